"""Metadata definitions over HTTP: what Horizon's forms and glanceclient ask."""

from typing import Any

import pytest

from apps.images.api.documents import metadef_schemas as documents
from apps.images.models import Definition, Namespace
from tests.callers import Caller

pytestmark = pytest.mark.django_db
ROOT = "/v2/metadefs/namespaces"
NAME = "OS::Compute::Quota"


@pytest.fixture
def namespace(admin: Caller) -> str:
    body = {
        "namespace": NAME,
        "display_name": "Quota",
        "visibility": "public",
        "resource_type_associations": [{"name": "OS::Nova::Flavor", "prefix": "quota:"}],
        "properties": {"cpu": {"title": "CPU", "type": "integer", "minimum": 0}},
        "objects": [{"name": "disk", "required": ["a"], "properties": {"a": {"title": "A", "type": "string"}}}],
        "tags": [{"name": "t"}],
    }
    response = admin.post(ROOT, body)
    assert response.status_code == 201, response.content
    assert response["Location"].endswith(f"/image{ROOT}/OS%3A%3ACompute%3A%3AQuota")
    return f"{ROOT}/{NAME}"


def test_a_namespace_shows_what_is_in_it(alice: Caller, namespace: str) -> None:
    shown = alice.get(namespace).json()
    assert (shown["namespace"], shown["display_name"], shown["protected"]) == (NAME, "Quota", False)
    assert shown["properties"] == {"cpu": {"title": "CPU", "type": "integer", "minimum": 0.0}}
    assert shown["objects"][0]["properties"]["a"]["title"] == "A"
    assert shown["tags"] == [{"name": "t"}]
    assert shown["resource_type_associations"][0]["prefix"] == "quota:"
    listed = alice.get(ROOT).json()
    assert [one["namespace"] for one in listed["namespaces"]] == [NAME]
    assert listed["schema"] == "/v2/schemas/metadefs/namespaces"
    assert alice.get(ROOT, resource_types="OS::Nova::Server").json()["namespaces"] == []
    assert len(alice.get(ROOT, resource_types="OS::Nova::Server,OS::Nova::Flavor").json()["namespaces"]) == 1


@pytest.mark.parametrize(
    ("part", "body", "changed"),
    [
        ("objects", {"name": "new"}, {"name": "newer", "description": "d"}),
        ("properties", {"name": "new", "title": "T", "type": "string", "enum": ["a"]},
         {"name": "newer", "title": "U", "type": "string"}),
    ],
)  # fmt: skip
def test_parts(admin: Caller, alice: Caller, namespace: str, part: str, body: Any, changed: Any) -> None:
    path = f"{namespace}/{part}"
    assert admin.post(path, body).status_code == 201
    assert admin.post(path, body).status_code == 409
    shown = alice.get(f"{path}/new").json()
    assert {key: shown[key] for key in body} == body
    assert admin.put(f"{path}/new", {**shown, **changed}).json()["name"] == "newer"
    assert alice.get(f"{path}/new").status_code == 404
    assert len(alice.get(path).json()[part]) == 2
    for denied in (alice.post(path, body), alice.put(f"{path}/newer", body), alice.delete(f"{path}/newer")):
        assert denied.status_code == 403
    assert admin.delete(f"{path}/newer").status_code == 204
    assert admin.delete(f"{path}/newer").status_code == 404
    assert admin.delete(path).status_code == 204
    assert not alice.get(path).json()[part]


def test_tags(admin: Caller, alice: Caller, namespace: str) -> None:
    path = f"{namespace}/tags"
    assert admin.post(path, {"tags": [{"name": "a"}, {"name": "b"}]}).status_code == 201
    assert [one["name"] for one in alice.get(path).json()["tags"]] == ["a", "b"]
    assert admin.call("post", path, {"tags": [{"name": "c"}]}, HTTP_X_OPENSTACK_APPEND="True").status_code == 201
    assert admin.post(f"{path}/d").status_code == 201
    assert admin.put(f"{path}/d", {"name": "e"}).json()["name"] == "e"
    assert [one["name"] for one in alice.get(path).json()["tags"]] == ["a", "b", "c", "e"]
    assert admin.delete(path).status_code == 204
    assert alice.get(path).json()["tags"] == []


def test_resource_types(admin: Caller, alice: Caller, namespace: str) -> None:
    names = [one["name"] for one in alice.get("/v2/metadefs/resource_types").json()["resource_types"]]
    assert "OS::Glance::Image" in names
    path = f"{namespace}/resource_types"
    assert admin.post(path, {"name": "OS::Glance::Image"}).status_code == 201
    assert admin.post(path, {"name": "OS::Glance::Image"}).status_code == 409
    assert len(alice.get(path).json()["resource_type_associations"]) == 2
    assert admin.delete(f"{path}/OS::Glance::Image").status_code == 204
    assert admin.delete(f"{path}/OS::Glance::Image").status_code == 404


def test_who_sees_and_writes(admin: Caller, alice: Caller, bob: Caller, namespace: str) -> None:
    assert alice.post(ROOT, {"namespace": "x"}).status_code == 403
    assert alice.delete(namespace).status_code == alice.put(namespace, {"namespace": NAME}).status_code == 403
    assert (
        admin.put(namespace, {"namespace": NAME, "visibility": "private", "owner": bob.project_id}).status_code == 200
    )
    assert alice.get(namespace).status_code == 404
    assert bob.get(namespace).status_code == 200
    assert admin.put(namespace, {"namespace": NAME, "protected": True}).json()["protected"] is True
    assert admin.delete(namespace).status_code == 403
    assert admin.put(namespace, {"namespace": NAME, "protected": False}).status_code == 200
    assert admin.delete(namespace).status_code == 204
    assert not Definition.objects.exists()
    assert admin.get(namespace).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"namespace": ""},
        {"namespace": "a/b"},
        {"namespace": "n" * 81},
        {"namespace": "n", "visibility": "shared"},
        {"namespace": "n", "nonsense": 1},
        {"namespace": "n", "properties": {"p": {"type": "string"}}},
        {"namespace": "n", "properties": {"p": {"title": "T", "type": "exe"}}},
        {"namespace": "n", "properties": []},
        {"namespace": "n", "objects": [{}]},
        {"namespace": "n", "tags": ["x"]},
    ],
)
def test_refused_namespaces_write_nothing(admin: Caller, body: dict[str, Any]) -> None:
    assert admin.post(ROOT, body).status_code == 400
    assert not Namespace.objects.exists()


def test_lists_refuse_what_they_do_not_know(admin: Caller, namespace: str) -> None:
    for params in ({"sort_key": "x"}, {"sort_dir": "up"}, {"limit": "x"}):
        assert admin.get(ROOT, **params).status_code == 400
    assert admin.get(ROOT, marker="x").status_code == 404
    assert admin.post(ROOT, {"namespace": NAME}).status_code == 409


def test_schemas(alice: Caller) -> None:
    for name in documents.SCHEMAS:
        assert alice.get(f"/v2/schemas/metadefs/{name}").json()["properties"]
    assert alice.get("/v2/schemas/metadefs/x").status_code == 404
