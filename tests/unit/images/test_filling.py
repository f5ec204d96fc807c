"""Images that a run of the cloud fills: nobody else does, and what is left of a run that is over goes."""

import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.images import exceptions
from apps.images.models import Image
from apps.images.selectors import blobs
from apps.images.services import charges, images
from apps.workflow import states
from apps.workflow.models import Run
from apps.workflow.services.findings import reporting
from tests.callers import Caller
from tests.unit.images import samples
from tests.unit.images.test_charges import limit
from workers.consistency import check
from workers.periodic.reconcilers import images as reconciler

pytestmark = pytest.mark.django_db
DATA = samples.qcow2()


def begin(who: Caller, **values: Any) -> tuple[Image, Run]:
    """Make an image, and the run that fills it."""
    now = timezone.now()
    times = dict.fromkeys(("created_at", "updated_at", "enqueued_at", "deadline_at"), now)
    run = Run.objects.create(
        pipeline="server.create_image", subject_type="server", subject_id=uuid.uuid4(), state=states.RUNNING, **times
    )
    values = {"name": "snapshot", "disk_format": "qcow2", "container_format": "bare", **values}
    image = images.create_to_fill(project_id=who.project_id, run_id=run.id, values=values, properties={})
    return image, run


def fill(image: Image, run: Run, data: bytes = DATA) -> None:
    images.fill(image_id=image.id, run_id=run.id, source=io.BytesIO(data), expected=len(data))


def send(url: str, data: bytes = DATA) -> int:
    path = url.partition("//")[2].partition("/")[2]
    return Client().put(f"/{path}", data, content_type="application/octet-stream").status_code


def test_the_run_alone_fills_it_once(alice: Caller, put: Any) -> None:
    image, run = begin(alice)
    assert put(alice, str(image.id), DATA).status_code == 409
    with pytest.raises(exceptions.FilledByTheCloud):
        images.fill(image_id=image.id, run_id=uuid.uuid4(), source=io.BytesIO(DATA), expected=len(DATA))
    fill(image, run)
    image.refresh_from_db()
    assert (image.status, image.filled_by, image.size) == ("active", None, len(DATA))
    fill(image, run, b"a step that is repeated changes nothing")
    assert images.discard_unfilled(run_id=run.id) == 0
    assert put(alice, str(image.id), DATA).status_code == 409


def test_an_image_has_no_tasks(alice: Caller, bob: Caller) -> None:
    image, _ = begin(alice)
    assert alice.get(f"/v2/images/{image.id}/tasks").json() == {"tasks": []}
    assert bob.get(f"/v2/images/{image.id}/tasks").status_code == 404


def test_a_step_takes_the_place_of_one_that_was_killed(alice: Caller) -> None:
    image, run = begin(alice)
    Image.objects.filter(id=image.id).update(status="saving", upload_id=uuid.uuid4())
    fill(image, run)
    image.refresh_from_db()
    assert image.status == "active"


def test_it_is_deleted_while_it_is_made(alice: Caller) -> None:
    image, run = begin(alice)
    assert alice.delete(f"/v2/images/{image.id}").status_code == 204
    with pytest.raises(exceptions.ImageNotFound):
        fill(image, run)


def test_a_host_sends_it_to_a_signed_address(alice: Caller, image_dir: Path) -> None:
    """For this image, by this run, while that is active; every other request finds nothing."""
    image, run = begin(alice)
    other, _ = begin(alice)
    url = blobs.signed_upload_url(image_id=image.id, run_id=run.id)
    for wrong in (url[:-1], url.partition("?")[0], url.replace(str(image.id), str(other.id))):
        assert send(wrong) == 404
    Run.objects.filter(id=run.id).update(state=states.CANCELLED)
    assert send(url) == 404
    Run.objects.filter(id=run.id).update(state=states.RUNNING)
    assert send(url, b"no disk") == 400
    assert send(url) == 204
    assert send(url) == 404
    assert Image.objects.get(id=image.id).os_hash_value in {path.name for path in (image_dir / "blobs").iterdir()}
    assert Image.objects.get(id=other.id).status == "queued"


def test_the_projects_quota_holds(alice: Caller) -> None:
    image, run = begin(alice)
    limit(alice, "image_count_total", 1)
    with pytest.raises(exceptions.QuotaExceeded):
        begin(alice)
    limit(alice, "image_count_total", 10)
    limit(alice, "image_size_total", 0)
    with pytest.raises(exceptions.QuotaExceeded):
        begin(alice)
    with pytest.raises(exceptions.QuotaExceeded):
        fill(image, run)
    assert charges.used_bytes(alice.project_id) == 0


def test_what_a_run_left_is_deleted(alice: Caller) -> None:
    image, run = begin(alice)
    for expected in (0, 1, 0):
        with reporting(kinds=reconciler.KINDS) as report:
            reconciler.reconcile(report)
        assert report.counts.get(reconciler.KIND, 0) == expected
        unfilled = [found for found in check.of_rows() if found.what == str(image.id)]
        assert not unfilled
        if not expected:
            Run.objects.filter(id=run.id).update(state=states.CANCELLED)
            left = [found for found in check.of_rows() if found.what == str(image.id)]
            assert bool(left) == (Image.objects.get(id=image.id).deleted_at is None)
    assert Image.objects.get(id=image.id).status == "deleted"
