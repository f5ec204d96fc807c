"""Images are counted by number and bytes, and the store keeps a reserve. A charge ends when the bytes are gone."""

import io
import re
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.images import exceptions
from apps.images.api.views.files import front_room
from apps.images.models import Image
from apps.images.services import charges, images
from apps.quotas.models import Limit
from deploy.front import uploads
from tests.callers import Caller
from tests.unit.images import samples
from workers.drivers.storage import sending

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


def limit(who: Caller, resource: str, value: int) -> None:
    Limit.objects.update_or_create(owner_id=who.project_id, resource=resource, defaults={"value": value})


def raw(size: int) -> bytes:
    return b"\x01" * size


def test_number(alice: Caller, bob: Caller, create: Any) -> None:
    limit(alice, "image_count_total", 1)
    first = create(alice)
    response = alice.post("/v2/images", {"name": "second"})
    assert response.status_code == 413
    assert "Quota exceeded" in response.json()["message"]
    create(bob)
    assert alice.delete(f"/v2/images/{first['id']}").status_code == 204
    create(alice)


def test_bytes(alice: Caller, create: Any, put: Any, image_dir: Path) -> None:
    limit(alice, "image_size_total", 3)
    one, two = (create(alice, disk_format="raw")["id"] for _ in range(2))
    assert put(alice, one, raw(2 * MIB)).status_code == 204
    response = put(alice, two, raw(2 * MIB))
    assert response.status_code == 413
    assert "Quota exceeded" in response.json()["message"]
    with pytest.raises(exceptions.QuotaExceeded):  # nothing announced, as with chunks
        images.upload(image=Image.objects.get(id=uuid.UUID(two)), source=io.BytesIO(raw(2 * MIB)))
    assert Image.objects.get(id=two).status == "queued"
    assert not list((image_dir / "staging").iterdir())
    images.upload(image=Image.objects.get(id=uuid.UUID(two)), source=io.BytesIO(raw(MIB)))
    assert charges.used_bytes(alice.project_id) == 3 * MIB
    assert not Image.objects.filter(charged__gt=0).exists()
    limit(alice, "image_size_total", -1)
    assert put(alice, create(alice, disk_format="raw")["id"], raw(2 * MIB)).status_code == 204


def test_reserve(alice: Caller, create: Any, put: Any, monkeypatch: Any, settings: Any) -> None:
    free = settings.IMAGE_RESERVE + MIB
    monkeypatch.setattr(charges.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    image = create(alice, disk_format="raw")["id"]
    response = put(alice, image, raw(MIB + 1))
    assert response.status_code == 507
    assert "no room" in response.json()["message"]
    assert put(alice, image, raw(MIB)).status_code == 204


def test_an_upload_through_the_front_needs_room_twice(
    alice: Caller, create: Any, monkeypatch: Any, settings: Any
) -> None:
    """The front stores the body on the same disk until the API has read it, and could fill the disk."""
    monkeypatch.setattr(charges.shutil, "disk_usage", lambda path: SimpleNamespace(free=settings.IMAGE_RESERVE + 3))
    image = create(alice, disk_format="raw")["id"]
    asked = {"HTTP_X_FRONT_LENGTH": "2", "celerity.admission": True, "content_type": "application/octet-stream"}
    answer = alice.call("put", f"/v2/images/{image}/file", **asked)
    assert answer.status_code == 507 and "no room" in answer.json()["message"]
    assert alice.call("put", f"/v2/images/{image}/file", **{**asked, "HTTP_X_FRONT_LENGTH": "1"}).status_code == 204


ROOMS: list[tuple[str, int, int, int, str]] = [
    ("as much as a power of two", 4, 2**40, 2**40, "4"),
    ("the next power of two", 5, 2**40, 2**40, "8"),
    ("nothing left", 0, 2**40, 2**40, "1"),
    ("half of the disk", 64, 10 * MIB, 2**40, "8"),
    ("the cap, without a quota", -1, 2**40, 3 * MIB, "4"),
]


@pytest.mark.parametrize(("quota", "free", "cap", "room"), [row[1:] for row in ROOMS], ids=[row[0] for row in ROOMS])
def test_the_front_learns_the_room_of_an_upload(
    alice: Caller, create: Any, monkeypatch: Any, settings: Any, quota: int, free: int, cap: int, room: str
) -> None:
    settings.IMAGE_SIZE_CAP = cap
    disk = SimpleNamespace(free=settings.IMAGE_RESERVE + free)
    monkeypatch.setattr(charges.shutil, "disk_usage", lambda path: disk)
    limit(alice, "image_size_total", quota)
    image = create(alice, disk_format="raw")["id"]
    asked = {"celerity.admission": True, "content_type": "application/octet-stream"}
    answer = alice.call("put", f"/v2/images/{image}/file", **asked)
    assert (answer.status_code, answer["X-Front-Room"]) == (204, room)
    assert answer["X-Front-Project"] == alice.project_id


@pytest.mark.parametrize("cap", [1, MIB, MIB + 1, 5 * MIB, 64 * 1024**3])
def test_the_front_has_each_room(cap: int) -> None:
    """The front makes a location for each answer that the API can give."""
    answers = {front_room(size) for size in (0, 1, MIB, MIB + 1, cap // 3, cap - 1, cap) if size <= cap}
    assert answers <= set(uploads.rooms(cap)) and front_room(cap) == uploads.rooms(cap)[-1]


def test_the_front_waits_longer_than_a_host_that_sends() -> None:
    """The store reads all data again before it answers. A host that gives up first sends the same once more."""
    text = uploads.locations(cap=64 * 1024**3, requests_of_address=1, pages="")
    limits = [int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s;", text)]
    for room, seconds in zip(uploads.rooms(64 * 1024**3), limits, strict=True):
        assert seconds > sending.patience(room * MIB)


def test_a_charge_outlives_its_image_until_the_bytes_are_gone(alice: Caller, create: Any, image_dir: Path) -> None:
    """OSSA-2015-003: deleting an image during its upload freed its quota while the upload continued."""
    limit(alice, "image_size_total", 3)
    image_id, other = (uuid.UUID(create(alice, disk_format="raw")["id"]) for _ in range(2))
    seen: list[Any] = []

    class Deleting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == MIB:
                images.delete(image=Image.objects.get(id=image_id))
                seen.append(charges.used_bytes(alice.project_id))
                with pytest.raises(exceptions.QuotaExceeded):
                    charges.check_size(alice.project_id, 2 * MIB)
            return super().read(min(size or MIB, MIB))

    with pytest.raises(exceptions.ImageGone):
        images.upload(image=Image.objects.get(id=image_id), source=Deleting(raw(2 * MIB)), expected=2 * MIB)
    assert seen == [2 * MIB]
    assert charges.used_bytes(alice.project_id) == 0
    images.upload(image=Image.objects.get(id=other), source=io.BytesIO(raw(2 * MIB)), expected=2 * MIB)


def test_refused_bits_cost_nothing(alice: Caller, create: Any, put: Any) -> None:
    assert put(alice, create(alice)["id"], samples.RAW).status_code == 400
    assert charges.used_bytes(alice.project_id) == 0


def test_the_charge_of_a_killed_upload_ends(alice: Caller, create: Any) -> None:
    image_id = create(alice)["id"]
    Image.objects.filter(id=image_id).update(charged=7)
    assert charges.used_bytes(alice.project_id) == 7
    images.expire_stale_uploads()
    assert charges.used_bytes(alice.project_id) == 0


def test_the_clouds_own_images_have_no_quota(alice: Caller, tmp_path: Path) -> None:
    limit(alice, "image_size_total", 0)
    limit(alice, "image_count_total", 0)
    path = tmp_path / "snapshot"
    path.write_bytes(raw(MIB))
    values = {"disk_format": "raw", "container_format": "bare"}
    image = images.create_for_project(project_id=alice.project_id, values=values, properties={})
    assert images.store(image_id=image.id, path=path).status == "active"
