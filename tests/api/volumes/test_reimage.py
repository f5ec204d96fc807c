"""os-reimage over HTTP: which volumes get an image's content, what is refused, and what the run's end writes."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from apps.images.models import Image
from apps.volumes.models import Attachment, Snapshot, Volume
from apps.volumes.services import volume_states
from apps.workflow.models import Run
from tests.api.volumes.conftest import end_runs, refusal, set_status

GIB = 1 << 30


@pytest.fixture
def image(db: None) -> Image:
    return _image(size=10)


def _image(**values: Any) -> Image:
    known = {"name": "other", "project_id": "x", "visibility": "public", "status": "active", "disk_format": "qcow2",
             "container_format": "bare", "os_hash_algo": "sha512", "os_hash_value": "0" * 128}  # fmt: skip
    return Image.objects.create(**{**known, **values})


def _ask(who: Any, volume: Any, image: Any, **more: Any) -> Any:
    return who.post(f"/volumes/{volume['id']}/action", {"os-reimage": {"image_id": str(image), **more}})


def test_a_volume_gets_an_image(alice: Any, bob: Any, make_volume: Any, image: Image) -> None:
    volume, key = make_volume(alice), None
    who, key = alice.at("3.68"), uuid.UUID(volume["id"])
    assert refusal(_ask(bob.at("3.68"), volume, image.id))[0] == 404
    for status, more in (("error", {}), ("reserved", {"reimage_reserved": True}), ("available", {})):
        set_status(volume, status)
        assert _ask(who, volume, image.id, **more).status_code == 202
        run = Run.objects.get(subject_id=key, state="queued")
        assert (run.pipeline, run.host, run.params["source"]) == ("volume.reimage", "h1", str(image.id))
        assert refusal(_ask(who, volume, image.id))[0] == 400, "it is downloading"
        volume_states.mark_reimaged(volume_id=key, image_metadata=run.params["metadata"])
        end_runs()
        shown = alice.get(f"/volumes/{key}").json()["volume"]
        assert (shown["status"], shown["bootable"]) == ("reserved" if more else "available", "true")
        assert shown["volume_image_metadata"]["image_name"] == "other"


def test_refusals_change_nothing(alice: Any, make_volume: Any, image: Image) -> None:
    volume, who = make_volume(alice), alice.at("3.68")
    too_big, empty = _image(size=2 * GIB), _image(size=0)
    secret, queued = _image(size=10, visibility="private"), _image(size=None, status="queued")
    for asked in (too_big.id, empty.id, secret.id, queued.id, uuid.uuid4(), "no-id"):
        assert refusal(_ask(who, volume, asked))[0] == 400, asked
    assert refusal(_ask(who, volume, image.id, reimage_reserved="maybe"))[0] == 400
    assert refusal(_ask(alice.at("3.67"), volume, image.id))[0] in (400, 404)
    for status, more in (("reserved", {}), ("in-use", {"reimage_reserved": True}), ("maintenance", {})):
        set_status(volume, status)
        assert refusal(_ask(who, volume, image.id, **more))[0] == 400, status
        assert Volume.objects.get(id=volume["id"]).status == status
    set_status(volume, "error")
    Volume.objects.filter(id=volume["id"]).update(host="")
    assert refusal(_ask(who, volume, image.id))[0] == 400
    assert not Run.objects.filter(pipeline="volume.reimage").exists()


def test_who_else_needs_what_it_has(alice: Any, make_volume: Any, image: Image) -> None:
    """A snapshot and a copy that are promised, a guest, and a server's run."""
    volume, who = make_volume(alice), alice.at("3.68")
    row = Volume.objects.get(id=volume["id"])
    run = {"pipeline": "server.attach_volume", "subject_type": "volume", "subject_id": row.id, "state": "running",
           "deadline_at": timezone.now()}  # fmt: skip
    for make, sentence in (
        (lambda: Snapshot.objects.create(volume=row, project_id="p", user_id="u", size=1), "snapshot"),
        (lambda: Volume.objects.create(project_id="p", user_id="u", size=1, source_volume_id=row.id), "source"),
        (lambda: Attachment.objects.create(volume=row, server_id=uuid.uuid4(), status="attached"), "attached"),
        (lambda: Run.objects.create(**run), "busy"),
    ):
        other = make()
        code, text = refusal(_ask(who, volume, image.id))
        assert code == 400 and sentence in text
        assert Volume.objects.get(id=row.id).status == row.status
        other.delete()
    Attachment.objects.create(volume=row, server_id=uuid.uuid4(), status="reserved")
    set_status(volume, "reserved")
    assert _ask(who, volume, image.id, reimage_reserved=True).status_code == 202
