"""What Zuul, Packer and Terraform expect of images: active means that all of it is there."""

import hashlib
import io
import json
import uuid
from typing import Any

import pytest

from apps.images import exceptions
from apps.images.models import Image
from apps.images.services import images
from tests.callers import Caller
from tests.unit.images import samples

pytestmark = pytest.mark.django_db
PATCH = "application/openstack-images-v2.1-json-patch"


def test_active_only_when_every_byte_and_hash_is_there(alice: Caller, create: Any) -> None:
    data = samples.qcow2()
    image_id = create(alice)["id"]
    seen: list[tuple[str, Any, Any]] = []

    class Watching:
        left = data

        def read(self, size: int, /) -> bytes:
            shown = alice.get(f"/v2/images/{image_id}").json()
            seen.append((shown["status"], shown["size"], shown["os_hash_value"]))
            chunk, self.left = self.left[:100_000], self.left[100_000:]
            return chunk

    images.upload(image=Image.objects.get(id=uuid.UUID(image_id)), source=Watching(), expected=len(data))
    assert set(seen) == {("saving", None, None)}
    assert len(seen) > 3
    shown = alice.get(f"/v2/images/{image_id}").json()
    assert (shown["status"], shown["size"]) == ("active", len(data))
    assert shown["os_hash_value"] == hashlib.sha512(data).hexdigest()
    assert shown["checksum"] == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_min_disk_by_patch(alice: Caller, active: Any) -> None:
    path = f"/v2/images/{active(alice)['id']}"
    body = json.dumps([{"op": "replace", "path": "/min_disk", "value": 7}])
    assert alice.call("patch", path, data=body, content_type=PATCH).json()["min_disk"] == 7


def test_lists_by_name_tags_and_order(alice: Caller, create: Any) -> None:
    for name, tags in (("b", ["x", "y"]), ("a", ["x"]), ("c", ["x", "y"])):
        create(alice, name=name, tags=tags)

    def names(query: str) -> list[str]:
        return [one["name"] for one in alice.get(f"/v2/images?{query}").json()["images"]]

    assert names("name=a") == ["a"]
    assert names("tag=x&tag=y&sort=name:asc") == ["b", "c"]
    assert names("sort=name:desc") == ["c", "b", "a"]
    assert names("sort_key=name&sort_dir=asc&limit=2") == ["a", "b"]


def test_nothing_of_an_image_is_what_a_client_says_it_is(alice: Caller, active: Any) -> None:
    """OSSA-2015-019 and 2016-006: status, checksum and size are the service's own, active bits never change."""
    image = active(alice)
    path = f"/v2/images/{image['id']}"
    for name, value in (("status", "queued"), ("checksum", "0" * 32), ("size", 1), ("os_hash_value", "0" * 128)):
        body = json.dumps([{"op": "replace", "path": f"/{name}", "value": value}])
        assert alice.call("patch", path, data=body, content_type=PATCH).status_code == 403
    for header in ("X-Image-Meta-Status", "X-Glance-Registry-Status"):
        name = f"HTTP_{header.upper().replace('-', '_')}"
        assert alice.call("get", path, **{name: "queued"}).json()["status"] == "active"
    with pytest.raises(exceptions.WrongStatus):
        images.upload(image=Image.objects.get(id=uuid.UUID(image["id"])), source=io.BytesIO(b"x"))
    assert Image.objects.get(id=image["id"]).os_hash_value == image["os_hash_value"]


def test_sizes_that_nobody_could_store_are_refused(alice: Caller, create: Any, put: Any, settings: Any) -> None:
    """OSSA-2013-012, 2013-029: a small file may describe a disk that would fill a host."""
    settings.IMAGE_VIRTUAL_SIZE_CAP = 2**30
    response = put(alice, create(alice)["id"], samples.qcow2(size=2**31))
    assert response.status_code == 400
    assert "over the cap" in response.json()["message"]
