"""The image service over HTTP: shapes, visibility, patches."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.images import attributes
from apps.images.models import Image
from tests.callers import Caller

V21 = "application/openstack-images-v2.1-json-patch"
V20 = "application/openstack-images-v2.0-json-patch"


def patch(who: Caller, image_id: str, operations: Any, content_type: str = V21) -> Any:
    return who.call("patch", f"/v2/images/{image_id}", data=json.dumps(operations), content_type=content_type)


def refusal(response: Any) -> tuple[int, str]:
    error = response.json()
    assert set(error) == {"code", "title", "message"}
    return response.status_code, error["message"]


def download(who: Caller, path: str) -> bytes:
    response = who.get(f"{path}/file")
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def names(who: Caller, **params: Any) -> list[str]:
    response = who.get("/v2/images", **params)
    assert response.status_code == 200, response.content
    return sorted(one["name"] for one in response.json()["images"])


def test_discovery(client: Any) -> None:
    assert client.get("/image").status_code == client.get("/image/").status_code == 300
    versions = client.get("/image/versions").json()["versions"]
    assert versions[0]["status"] == "CURRENT"
    assert versions[0]["links"][0]["href"].endswith("/image/v2/")


def test_create(alice: Caller) -> None:
    response = alice.post("/v2/images", {"name": "n", "hw_disk_bus": "virtio", "tags": ["a"], "min_disk": 1})
    image = response.json()
    assert response.status_code == 201
    assert response["Location"].endswith(f"/image/v2/images/{image['id']}")
    assert (image["status"], image["visibility"], image["owner"]) == ("queued", "shared", alice.project_id)
    assert image["hw_disk_bus"] == "virtio"
    assert image["self"] == f"/v2/images/{image['id']}"
    assert image["created_at"].endswith("Z")
    assert alice.get(f"/v2/images/{image['id']}/file").status_code == 204


@pytest.mark.parametrize(
    ("values", "code", "text"),
    [
        ({"disk_format": "exe"}, 400, "disk_format"),
        ({"disk_format": "ami", "container_format": "bare"}, 400, "Invalid mix of disk and container formats"),
        ({"disk_format": "ari", "container_format": "aki"}, 400, "must match"),
        ({"name": "a\x00b"}, 400, "NUL"),
        ({"tags": ["\x00"]}, 400, "NUL"),
        ({"name": "n" * 256}, 400, "name"),
        ({"min_disk": -1}, 400, "min_disk"),
        ({"min_ram": "1"}, 400, "min_ram"),
        ({"visibility": "secret"}, 400, "visibility"),
        ({"protected": "yes"}, 400, "protected"),
        ({"tags": "x"}, 400, "tags"),
        ({"id": "x"}, 400, "id"),
        ({"property": 1}, 400, "property"),
        ({"k" * 256: "v"}, 400, "property name"),
        ({"status": "active"}, 403, "read-only"),
        ({"size": 1}, 403, "read-only"),
        ({"locations": [{"url": "file:///etc/passwd"}]}, 403, "read-only"),
        ({"deleted": True}, 403, "reserved"),
        ({"os_glance_import": "x"}, 403, "reserved"),
        ({"visibility": "public"}, 403, "publicize_image"),
        ({"owner": "f" * 32}, 403, "owned by"),
        ({f"p{n}": "" for n in range(129)}, 413, "properties"),
    ],
)
def test_refused_images_write_nothing(alice: Caller, values: dict[str, Any], code: int, text: str) -> None:
    got, message = refusal(alice.post("/v2/images", values))
    assert got == code
    assert text in message
    assert Image.objects.count() == 0


def test_names_are_any_text(alice: Caller, create: Any) -> None:
    for name in (
        "\u00a0",
        "a\u3000b",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "a\nb",
    ):
        image = create(alice, name=name, tags=[name], **{f"p{name}": name})
        shown = alice.get(f"/v2/images/{image['id']}").json()
        assert (shown["name"], shown["tags"], shown[f"p{name}"]) == (name, [name], name)
        assert names(alice, name=name) == [name]


def test_an_empty_id_is_no_list(alice: Caller) -> None:
    for method in ("get", "delete", "patch"):
        assert refusal(alice.call(method, "/v2/images/"))[0] == 404
    assert alice.get("/v2/images").status_code == 200


def test_an_id_is_used_once(alice: Caller, create: Any) -> None:
    chosen = str(uuid.uuid4())
    create(alice, id=chosen)
    assert alice.delete(f"/v2/images/{chosen}").status_code == 204
    assert refusal(alice.post("/v2/images", {"id": chosen}))[0] == 409
    assert refusal(alice.delete(f"/v2/images/{chosen}"))[0] == 404


def test_patches(alice: Caller, create: Any) -> None:
    image_id = create(alice, a="1")["id"]
    changed = patch(
        alice,
        image_id,
        [
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "add", "path": "/b~1c", "value": "2"},
            {"op": "remove", "path": "/a"},
            {"op": "replace", "path": "/tags", "value": ["x", "x"]},
            {"op": "add", "path": "/min_disk", "value": 3},
        ],
    ).json()
    assert (changed["name"], changed["b/c"], changed["tags"], changed["min_disk"]) == ("new", "2", ["x"], 3)
    assert "a" not in changed
    old = patch(alice, image_id, [{"replace": "/name", "value": "old"}, {"remove": "/b~1c"}], V20).json()
    assert old["name"] == "old"


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ([{"op": "replace", "path": "/status", "value": "active"}], 403),
        ([{"op": "replace", "path": "/checksum", "value": "x"}], 403),
        ([{"op": "replace", "path": "/os_hash_value", "value": "0" * 128}], 403),
        ([{"op": "add", "path": "/locations/-", "value": {"url": "http://x"}}], 403),
        ([{"op": "replace", "path": "/owner", "value": "f" * 32}], 403),
        ([{"op": "replace", "path": "/visibility", "value": "public"}], 403),
        ([{"op": "replace", "path": "/disk_format", "value": "raw"}], 403),
        ([{"op": "remove", "path": "/name"}], 403),
        ([{"op": "replace", "path": "/none", "value": "x"}], 409),
        ([{"op": "remove", "path": "/none"}], 409),
        ([{"op": "add", "path": "/p", "value": 7}], 400),
        ([{"op": "move", "path": "/p", "value": "7"}], 400),
        ([{"op": "add", "path": "p", "value": "7"}], 400),
        ([{"op": "add", "path": "/a/b", "value": "7"}], 400),
        ([{"op": "add", "path": "/a"}], 400),
        (["x"], 400),
        ({}, 400),
    ],
)
def test_refused_patches_change_nothing(alice: Caller, active: Any, operations: Any, code: int) -> None:
    image = active(alice)
    first = [{"op": "replace", "path": "/name", "value": "changed"}]
    both = [*first, *operations] if isinstance(operations, list) else operations
    assert refusal(patch(alice, image["id"], both))[0] == code
    assert alice.get(f"/v2/images/{image['id']}").json() == image


def test_patch_needs_its_content_type(alice: Caller, create: Any) -> None:
    assert patch(alice, create(alice)["id"], [], "text/plain").status_code == 415


def test_visibility(alice: Caller, bob: Caller, admin: Caller, create: Callable[..., Any]) -> None:
    images = {v: create(admin, name=v, visibility=v) for v in ("public", "community", "shared", "private")}
    codes = {v: bob.get(f"/v2/images/{image['id']}").status_code for v, image in images.items()}
    assert codes == {"public": 200, "community": 200, "shared": 404, "private": 404}
    assert names(bob) == ["public"]
    assert names(bob, visibility="community") == ["community"]
    assert names(bob, visibility="all") == ["community", "public"]
    assert names(bob, visibility="private") == []
    assert names(admin) == sorted(images)
    for image in (images["public"], images["community"]):
        path = f"/v2/images/{image['id']}"
        assert bob.delete(path).status_code == 403
        assert patch(bob, image["id"], [{"op": "replace", "path": "/name", "value": "x"}]).status_code == 403
        assert bob.put(f"{path}/tags/x").status_code == 403
        assert bob.post(f"{path}/actions/deactivate").status_code == 403
        assert bob.post(f"{path}/members", {"member": bob.project_id}).status_code == 403
    assert bob.delete(f"/v2/images/{images['private']['id']}").status_code == 404


def test_members(alice: Caller, bob: Caller, create: Callable[..., Any]) -> None:
    image = create(alice, name="s")
    path = f"/v2/images/{image['id']}"
    member = alice.post(f"{path}/members", {"member": bob.project_id}).json()
    assert (member["status"], member["member_id"]) == ("pending", bob.project_id)
    assert alice.post(f"{path}/members", {"member": bob.project_id}).status_code == 409
    assert bob.get(path).status_code == 200
    assert names(bob) == []
    assert names(bob, visibility="shared", member_status="pending") == ["s"]
    assert alice.put(f"{path}/members/{bob.project_id}", {"status": "accepted"}).status_code == 403
    assert bob.put(f"{path}/members/{bob.project_id}", {"status": "accepted"}).json()["status"] == "accepted"
    assert names(bob) == ["s"]
    third = Caller(bob.prefix)
    alice.post(f"{path}/members", {"member": third.project_id})
    assert len(alice.get(f"{path}/members").json()["members"]) == 2
    assert [m["member_id"] for m in bob.get(f"{path}/members").json()["members"]] == [bob.project_id]
    assert bob.get(f"{path}/members/{third.project_id}").status_code == 404
    assert bob.delete(f"{path}/members/{third.project_id}").status_code == 403
    assert alice.delete(f"{path}/members/{bob.project_id}").status_code == 204
    assert bob.get(path).status_code == 404
    private = create(alice, visibility="private")
    assert alice.post(f"/v2/images/{private['id']}/members", {"member": bob.project_id}).status_code == 403


def big_row(document: dict[str, Any]) -> Image:
    return Image.objects.get(id=document["id"])


def test_filters(alice: Caller, create: Any, active: Any) -> None:
    create(alice, name="a", os_type="linux", tags=["x", "y"])
    big = active(alice, name="b")
    create(alice, name="h", os_hidden=True, disk_format="raw")
    create(alice, name="c, with comma")
    create(alice, name='d"e')
    size, born = big["size"], big["created_at"]
    Image.objects.exclude(name="b").update(created_at=big_row(big).created_at - timedelta(days=1))
    for params, expected in [
        ({"name": "a"}, ["a"]),
        ({"name": "in:a,b"}, ["a", "b"]),
        ({"name": 'in:"c, with comma",b'}, ["b", "c, with comma"]),
        ({"name": r'in:"d\"e","a"'}, ["a", 'd"e']),
        ({"created_at": f"eq:{born}"}, ["b"]),
        ({"created_at": f"neq:{born}", "name": "in:a,b"}, ["a"]),
        ({"created_at": f"lte:{born}", "name": "in:a,b"}, ["a", "b"]),
        ({"created_at": f"gt:{born}"}, []),
        ({"status": "active"}, ["b"]),
        ({"tag": "x"}, ["a"]),
        ({"os_type": "linux"}, ["a"]),
        ({"size_min": size}, ["b"]),
        ({"size_max": size - 1}, []),
        ({"os_hidden": "true"}, ["h"]),
        ({"disk_format": "in:raw,qcow2", "name": "in:a,b"}, ["a", "b"]),
        ({"created_at": "gte:2020-01-01T00:00:00Z", "name": "in:a,b"}, ["a", "b"]),
        ({"updated_at": "lt:2020-01-01T00:00:00"}, []),
        ({"id": big["id"]}, ["b"]),
        ({"id": "in:x"}, []),
        ({"owner": alice.project_id, "name": "in:a,b"}, ["a", "b"]),
        ({"owner": "x"}, []),
        ({"checksum": big["checksum"]}, ["b"]),
        ({"protected": "False", "name": "in:a,b"}, ["a", "b"]),
        ({"nothing": "so"}, []),
    ]:
        assert names(alice, **params) == expected, params


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "x"},
        {"limit": "-1"},
        {"marker": str(uuid.uuid4())},
        {"marker": "x"},
        {"sort_key": "nonsense"},
        {"sort_dir": "up"},
        {"sort": "name:up"},
        {"visibility": "x"},
        {"member_status": "x"},
        {"size_min": "x"},
        {"created_at": "gt:x"},
        {"protected": "x"},
        {"status": "x"},
        {"name": 'in:"a'},
        {"name": 'in:a"b'},
        {"name": 'in:"a"b'},
    ],
)
def test_refused_lists(alice: Caller, params: dict[str, str]) -> None:
    assert refusal(alice.get("/v2/images", **params))[0] == 400


def test_pages(alice: Caller, create: Any) -> None:
    made = [create(alice, name=str(n))["id"] for n in range(5)]
    seen, url = [], "/v2/images?limit=2&sort=name:asc"
    while url:
        body = alice.get(url).json()
        seen += [one["id"] for one in body["images"]]
        assert body["first"] == "/v2/images?limit=2&sort=name%3Aasc"
        url = body.get("next")
    assert seen == made
    assert [one["name"] for one in alice.get("/v2/images").json()["images"]] == list("43210")


def test_a_list_is_one_query(alice: Caller, create: Any, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        create(alice)
    with django_assert_num_queries(1):
        alice.get("/v2/images")


def test_protected(alice: Caller, create: Any) -> None:
    image = create(alice, protected=True)
    assert refusal(alice.delete(f"/v2/images/{image['id']}"))[0] == 403
    patch(alice, image["id"], [{"op": "replace", "path": "/protected", "value": False}])
    assert alice.delete(f"/v2/images/{image['id']}").status_code == 204


def test_deactivated(alice: Caller, admin: Caller, create: Any, active: Any) -> None:
    path = f"/v2/images/{active(alice)['id']}"
    assert alice.post(f"{path}/actions/deactivate").status_code == 204
    assert alice.get(path).json()["status"] == "deactivated"
    assert refusal(alice.get(f"{path}/file"))[0] == 403
    download(admin, path)
    assert alice.post(f"{path}/actions/reactivate").status_code == 204
    download(alice, path)
    assert alice.post(f"/v2/images/{create(alice)['id']}/actions/deactivate").status_code == 403


def test_tags(alice: Caller, create: Any) -> None:
    path = f"/v2/images/{create(alice)['id']}"
    assert alice.put(f"{path}/tags/a").status_code == 204
    assert alice.get(path).json()["tags"] == ["a"]
    assert alice.delete(f"{path}/tags/a").status_code == 204
    assert alice.delete(f"{path}/tags/a").status_code == 404


def test_schemas(alice: Caller) -> None:
    for name in ("image", "images", "member", "members"):
        assert alice.get(f"/v2/schemas/{name}").json()["name"] == name
    schema = alice.get("/v2/schemas/image").json()
    assert set(attributes.SETTABLE) <= set(schema["properties"])
    assert refusal(alice.get("/v2/schemas/x"))[0] == 404
    assert alice.get("/v2/info/import").json()["import-methods"]["value"] == []


def test_nobody_without_a_token(client: Any) -> None:
    for path in ("v2/images", f"v2/images/{uuid.uuid4()}/file", "v2/schemas/image"):
        assert client.get(f"/image/{path}").status_code == 401


def test_readers_write_nothing(alice: Caller, create: Any) -> None:
    reader = Caller(alice.prefix, roles=("reader",), project_id=alice.project_id)
    image = create(alice)
    assert reader.get(f"/v2/images/{image['id']}").status_code == 200
    assert reader.post("/v2/images", {"name": "x"}).status_code == 403
    assert reader.delete(f"/v2/images/{image['id']}").status_code == 403
