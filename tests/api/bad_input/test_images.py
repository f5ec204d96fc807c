"""Images and their bits."""

import io
from typing import Any

import pytest

from tests.api.bad_input.world import NOWHERE, World
from tests.unit.images import samples

IMAGES = "/image/v2/images"
LONG = "x" * 256
HUGE = 10**40

IMAGE_VALUES: list[tuple[Any, str]] = [
    ({"name": LONG}, "name"),
    ({"name": 5}, "name"),
    ({"name": "\0"}, "name"),
    ({"id": "x"}, "id"),
    ({"disk_format": "zip"}, "disk_format"),
    ({"disk_format": []}, "disk_format"),
    ({"container_format": "box"}, "container_format"),
    ({"visibility": "invisible"}, "visibility"),
    ({"min_disk": -1}, "min_disk"),
    ({"min_disk": HUGE}, "min_disk"),
    ({"min_disk": "1"}, "min_disk"),
    ({"min_disk": True}, "min_disk"),
    ({"min_ram": 1.5}, "min_ram"),
    ({"protected": "yes"}, "protected"),
    ({"tags": "web"}, "tags"),
    ({"tags": [5]}, "tags"),
    ({"tags": ["\0"]}, "tags"),
    ({"tags": [LONG]}, "tags"),
    ({"os_hidden": None}, "os_hidden"),
    ({"property": {}}, "property"),
    ({"property": 5}, "property"),
    ({"property": "\0"}, "property"),
    ({"pro\0perty": "x"}, ""),
    ({LONG: "x"}, ""),
]


@pytest.mark.parametrize(("values", "says"), IMAGE_VALUES)
def test_images(world: World, values: Any, says: str) -> None:
    world.refuses(400, "POST", IMAGES, {"name": "i", **values}, says=says)


@pytest.mark.parametrize("name", ["status", "size", "checksum", "owner", "created_at", "self", "file", "virtual_size"])
def test_what_the_image_service_writes_itself(world: World, name: str) -> None:
    refused = world.call("POST", IMAGES, {"name": "i", name: "x"})
    assert refused.status_code in (400, 403)
    world.refuses(refused.status_code, "POST", IMAGES, {"name": "i", name: "x"}, says=name[:3])


LIES: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("raw bits as qcow2", samples.RAW, {"disk_format": "qcow2"}, 400, "qcow2"),
    ("qcow2 as raw", samples.qcow2(), {"disk_format": "raw"}, 400, "qcow2"),
    ("a backing file", samples.qcow2(backing=512), {"disk_format": "qcow2"}, 400, "backing file"),
    ("half of its tables", samples.qcow2()[:300], {"disk_format": "qcow2"}, 400, ""),
    ("half of a header", samples.qcow2()[:40], {"disk_format": "qcow2"}, 400, ""),
    ("data beyond the end", samples.qcow2(data_at=2**40), {"disk_format": "qcow2"}, 400, ""),
    ("a virtual disk of 2 PiB", samples.qcow2(size=2**51), {"disk_format": "qcow2"}, 400, "virtual"),
    ("a VMDK that names a file", samples.flat_vmdk(), {"disk_format": "raw"}, 400, "vmdk"),
    ("nothing", b"", {"disk_format": "qcow2"}, 400, ""),
]


@pytest.mark.parametrize(("bits", "values", "code", "says"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_bits(world: World, bits: bytes, values: Any, code: int, says: str) -> None:
    key = world.make_image(None, **values)
    path = f"{IMAGES}/{key}/file"
    stream = "application/octet-stream"
    refused = world.call("PUT", path, raw=bits, content_type=stream)
    assert refused.status_code in (code, 413, 415), refused.content
    world.refuses(refused.status_code, "PUT", path, raw=bits, content_type=stream, says=says)
    shown = world.call("GET", f"{IMAGES}/{key}").json()
    assert (shown["status"], shown["size"], shown["os_hash_value"]) == ("queued", None, None)


def test_uploads(world: World, tmp_path: Any) -> None:
    key = world.make_image(None)
    path, stream = f"{IMAGES}/{key}/file", "application/octet-stream"
    world.refuses(415, "PUT", path, raw=b"x", says="octet-stream")
    wrong = {"X-OpenStack-Image-Size": "5"}
    world.refuses(400, "PUT", path, raw=b"123456", content_type=stream, headers=wrong, says="Size")
    for length in ("x", "-1", "²", "9" * 30):
        headers = {"X-OpenStack-Image-Size": length}
        world.refuses(400, "PUT", path, raw=b"123456", content_type=stream, headers=headers, says="length")
    half = {
        "CONTENT_LENGTH": "6",
        "CONTENT_TYPE": stream,
        "wsgi.input": io.BytesIO(b"123"),
    }  # a client that goes away in its midst
    short = world.client.generic(
        "PUT", path, content_type=stream, headers={"X-Auth-Token": world.tokens["demo"]}, **half
    )
    assert short.status_code == 400
    assert world.call("GET", f"{IMAGES}/{key}").json()["status"] == "queued"
    assert not [one for one in (tmp_path / "images").rglob("*") if one.is_file() and one.stat().st_size]
    world.refuses(404, "PUT", f"{IMAGES}/{NOWHERE}/file", raw=b"x", content_type=stream, says=NOWHERE)
    full = world.make_image(b"\x01" * 512)
    world.refuses(409, "PUT", f"{IMAGES}/{full}/file", raw=b"x", content_type=stream, says="active")


PATCHES: list[Any] = [
    {},
    "x",
    [5],
    [{}],
    [{"op": "fly", "path": "/name"}],
    [{"op": "replace", "path": "/name"}],
    [{"op": "replace", "path": "name", "value": "x"}],
    [{"op": "replace", "path": "/name", "value": LONG}],
    [{"op": "replace", "path": "/name", "value": {}}],
    [{"op": "replace", "path": "/min_disk", "value": HUGE}],
    [{"op": "add", "path": "/tags", "value": "x"}],
    [{"op": "add", "path": "/a/b/c", "value": "x"}],
    [{"op": "add", "path": "/a~2b", "value": "x"}],
    [{"op": "add", "path": "/x\0", "value": "x"}],
    [{"op": "add", "path": 5, "value": "x"}],
]


@pytest.mark.parametrize("patch", PATCHES)
def test_image_patches(world: World, patch: Any) -> None:
    path = f"{IMAGES}/{world.make_image(None)}"
    world.refuses(400, "PATCH", path, patch, content_type="application/openstack-images-v2.1-json-patch")


def test_images_twice_and_of_others(world: World) -> None:
    key = world.make_image(None)
    assert world.call("DELETE", f"{IMAGES}/{key}").status_code == 204
    world.refuses(404, "DELETE", f"{IMAGES}/{key}", says=key)
    theirs = world.make_image(None, who="admin")
    for method in ("GET", "DELETE"):
        world.refuses(404, method, f"{IMAGES}/{theirs}", says=theirs)
    for odd in ("x", "1" * 3000, "é"):
        world.refuses(404, "GET", f"{IMAGES}/{odd}")
        world.refuses(404, "GET", f"{IMAGES}/{odd}/file")
