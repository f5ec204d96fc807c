"""Uploads are stored completely or not at all."""

import io
import stat
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections

from apps.images import exceptions, locks, states
from apps.images.api.views import files
from apps.images.models import Image
from apps.images.services import blobs, images
from tests.callers import Caller
from tests.unit.images import samples

pytestmark = pytest.mark.django_db


def nothing_staged(image_dir: Path) -> bool:
    return not list((image_dir / "staging").glob("*"))


def contents(image_dir: Path) -> list[Path]:
    return list((image_dir / "blobs").glob("*"))


def test_upload_and_download(alice: Caller, active: Callable[..., Any], image_dir: Path) -> None:
    data = samples.qcow2()
    image = active(alice, data)
    assert (image["status"], image["size"], image["virtual_size"]) == ("active", len(data), 2**30)
    assert image["os_hash_algo"] == "sha512"
    response = alice.get(f"/v2/images/{image['id']}/file")
    assert b"".join(response.streaming_content) == data
    assert response["Content-MD5"] == image["checksum"]
    (blob,) = contents(image_dir)
    assert blob.name == image["os_hash_value"]
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444
    for directory in (image_dir, image_dir / "blobs", image_dir / "staging"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert nothing_staged(image_dir)


def test_ranges(alice: Caller, active: Callable[..., Any]) -> None:
    data = samples.qcow2()
    path = f"/v2/images/{active(alice, data)['id']}/file"
    for header, part in (("bytes=0-9", data[:10]), ("bytes=100-", data[100:]), ("bytes=-5", data[-5:])):
        response = alice.call("get", path, HTTP_RANGE=header)
        assert response.status_code == 206
        assert b"".join(response.streaming_content) == part
    assert alice.call("get", path, HTTP_RANGE=f"bytes={len(data)}-").status_code == 416


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (samples.qcow2(backing=512), {}),
        (samples.qcow2(), {"disk_format": "raw"}),
        (samples.RAW, {}),
        (samples.qcow2(size=2**50), {}),
        (samples.qcow2(data_at=2**40), {}),
    ],
)
def test_refused_bits_leave_the_image_queued(
    alice: Caller, create: Any, put: Any, image_dir: Path, data: bytes, values: dict[str, Any]
) -> None:
    image = create(alice, **values)
    response = put(alice, image["id"], data)
    assert response.status_code == 400
    assert response.json()["message"]
    after = alice.get(f"/v2/images/{image['id']}").json()
    assert (after["status"], after["size"], after["checksum"]) == ("queued", None, None)
    assert nothing_staged(image_dir)
    assert contents(image_dir) == []


def test_the_cap(alice: Caller, create: Any, put: Any, image_dir: Path, settings: Any) -> None:
    settings.IMAGE_SIZE_CAP = 1000
    image = create(alice, disk_format="raw")
    assert put(alice, image["id"], samples.RAW).status_code == 413
    with pytest.raises(exceptions.TooManyBytes):  # nothing announced, as with chunks
        images.upload(image=Image.objects.get(id=uuid.UUID(image["id"])), source=io.BytesIO(samples.RAW))
    assert Image.objects.get().status == "queued"
    assert nothing_staged(image_dir)


def test_a_client_that_goes_away(alice: Caller, create: Any, image_dir: Path) -> None:
    image_id = uuid.UUID(create(alice)["id"])

    class Cut(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        images.upload(image=Image.objects.get(id=image_id), source=Cut())
    with pytest.raises(exceptions.UploadCutOff, match="of 999999"):
        images.upload(image=Image.objects.get(id=image_id), source=io.BytesIO(samples.qcow2()), expected=999999)
    assert Image.objects.get().status == "queued"
    assert nothing_staged(image_dir)
    assert images.upload(image=Image.objects.get(id=image_id), source=io.BytesIO(samples.qcow2())).status == "active"


def test_refused_uploads(alice: Caller, bob: Caller, admin: Caller, create: Any, put: Any, active: Any) -> None:
    done = active(alice)
    assert put(alice, done["id"], samples.RAW).status_code == 409  # active data never changes
    assert put(bob, done["id"], samples.RAW).status_code == 404
    public = create(admin, visibility="public")
    assert put(bob, public["id"], samples.qcow2()).status_code == 403
    formless = create(alice, disk_format=None)
    assert put(alice, formless["id"], samples.RAW).status_code == 400
    assert put(alice, create(alice)["id"], b"{}", content_type="application/json").status_code == 415
    assert put(alice, "nonsense", b"x").status_code == 404


def test_one_content_is_stored_once_and_goes_with_its_last_image(
    alice: Caller, bob: Caller, active: Any, image_dir: Path, django_capture_on_commit_callbacks: Any
) -> None:
    first, second = active(alice), active(bob)
    assert len(contents(image_dir)) == 1
    for who, image, left in ((alice, first, 1), (bob, second, 0)):
        with django_capture_on_commit_callbacks(execute=True):
            assert who.delete(f"/v2/images/{image['id']}").status_code == 204
        assert len(contents(image_dir)) == left
    assert alice.get(f"/v2/images/{first['id']}/file").status_code == 404


def test_deleted_while_it_came_in(alice: Caller, create: Any, image_dir: Path) -> None:
    image_id = uuid.UUID(create(alice)["id"])

    class Deleting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                images.delete(image=Image.objects.get(id=image_id))
            return super().read(size)

    with pytest.raises(exceptions.ImageGone):
        images.upload(image=Image.objects.get(id=image_id), source=Deleting(samples.qcow2()))
    assert nothing_staged(image_dir)
    assert contents(image_dir) == []


def test_a_killed_upload_is_given_up(alice: Caller, create: Any, image_dir: Path) -> None:
    image_id = uuid.UUID(create(alice)["id"])
    upload_id = uuid.uuid4()
    Image.objects.filter(id=image_id).update(status=states.SAVING, upload_id=upload_id)
    blobs.prepare()
    (image_dir / "staging" / f"{image_id}.{upload_id}").write_bytes(b"half")
    assert images.expire_stale_uploads() == 1
    assert Image.objects.get().status == "queued"
    assert nothing_staged(image_dir)
    assert images.expire_stale_uploads() == 0


@pytest.mark.django_db(transaction=True)
def test_a_live_upload_is_left_alone_and_the_only_one(create: Any, image_dir: Path) -> None:
    alice = Caller("/image")
    image_id = uuid.UUID(create(alice)["id"])
    seen: dict[str, Any] = {}

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            def look() -> None:
                try:
                    seen["expired"] = images.expire_stale_uploads()
                    images.upload(image=Image.objects.get(id=image_id), source=io.BytesIO(b""))
                except exceptions.UploadInProgress:
                    seen["refused"] = True
                finally:
                    connections.close_all()

            if self.tell() == 0:
                thread = threading.Thread(target=look)
                thread.start()
                thread.join()
            return super().read(size)

    images.upload(image=Image.objects.get(id=image_id), source=Slow(samples.qcow2()))
    assert seen == {"expired": 0, "refused": True}
    assert Image.objects.get().status == "active"
    with locks.upload(image_id) as free:
        assert free


def test_orphaned_contents_are_removed(alice: Caller, active: Any, image_dir: Path, monkeypatch: Any) -> None:
    active(alice)
    (image_dir / "blobs" / ("0" * 128)).write_bytes(b"x")
    assert blobs.drop_orphans() == []  # too young to say
    monkeypatch.setattr(blobs, "ORPHAN_AGE", -1)
    assert len(blobs.drop_orphans()) == 1
    assert len(contents(image_dir)) == 1


def request(software: str, **headers: str) -> Any:
    meta = {"wsgi.input": io.BytesIO(b"bits"), "SERVER_SOFTWARE": software, **headers}
    return SimpleNamespace(META=meta, headers={"X-OpenStack-Image-Size": headers.get("size")})


def test_chunked_bodies() -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert files._body(request("gunicorn", **chunked)).read(10) == b"bits"
    assert files._announced(request("gunicorn", **chunked)) is None
    with pytest.raises(exceptions.LengthRequired):  # a server that might hide that the body was cut off
        files._announced(request("other", **chunked))
    assert files._announced(request("other", size="4", **chunked)) == 4
    assert files._announced(request("gunicorn")) == 0  # no body at all


def test_an_upload_without_a_byte_is_active(alice: Caller, create: Any, put: Any) -> None:
    """What ``openstack image create NAME`` sends when nothing is on its standard input."""
    image = create(alice)
    assert put(alice, image["id"], b"").status_code == 204
    shown = alice.get(f"/v2/images/{image['id']}").json()
    assert (shown["status"], shown["size"], shown["checksum"]) == ("active", 0, "d41d8cd98f00b204e9800998ecf8427e")


@pytest.mark.django_db
def test_the_internal_download(alice: Caller, active: Any, client: Any, settings: Any) -> None:
    from apps.images.selectors import blobs as selectors

    image = Image.objects.get(id=active(alice)["id"])
    url = selectors.signed_url_of(sha512=selectors.path(image).name).removeprefix(settings.PUBLIC_URL)
    assert b"".join(client.get(url).streaming_content) == samples.qcow2()
    other = url.replace(selectors.path(image).name, "0" * 128)
    for wrong in (url[:-2], url.partition("?")[0], other, "/image/internal/blobs/..%2f..%2fetc%2fpasswd"):
        assert client.get(wrong).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_uploads_and_deletes_of_one_content_at_once(image_dir: Path) -> None:
    """After concurrent uploads and deletes an active image has its data, and no data is left without an image."""
    alice = Caller("/image")
    failed: list[Exception] = []

    def live(rounds: int, keep: bool) -> None:
        try:
            for _ in range(rounds):
                values = {"disk_format": "qcow2", "container_format": "bare"}
                image = images.create_for_project(project_id=alice.project_id, values=values, properties={})
                images.upload(image=Image.objects.get(id=image.id), source=io.BytesIO(samples.qcow2()))
                assert (image_dir / "blobs" / str(Image.objects.get(id=image.id).os_hash_value)).is_file()
                if not keep:
                    images.delete(image=Image.objects.get(id=image.id))
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    def together(keep: bool) -> None:
        threads = [threading.Thread(target=live, args=(5, keep and n == 0)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    together(keep=False)
    assert failed == []
    assert contents(image_dir) == []
    together(keep=True)
    assert failed == []
    assert len(contents(image_dir)) == 1
    assert nothing_staged(image_dir)
