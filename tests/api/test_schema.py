"""The API's description is complete: every operation has a title, a text, a tag of its resource, and its refusals."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "head", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def operations() -> list[tuple[str, Any]]:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return [(f"{method.upper()} {path}", one) for path, ways in paths.items() for method, one in ways.items()
            if method in METHODS]  # fmt: skip


def test_every_operation_is_described(operations: list[tuple[str, Any]]) -> None:
    assert len(operations) > 300
    lacking = [name for name, one in operations if not (one.get("summary") and one.get("description"))]
    assert not lacking


def test_every_resource_has_its_tag(operations: list[tuple[str, Any]]) -> None:
    tags = {tag for _, one in operations for tag in one["tags"]}
    assert {"compute: servers", "compute: flavors", "identity: users", "image: images", "network: ports"} <= tags
    assert all(len(one["tags"]) == 1 and ": " in one["tags"][0] for _, one in operations)


def test_refusals_are_documented_in_the_shape_of_the_service(operations: list[tuple[str, Any]]) -> None:
    for name, one in operations:
        assert {"400", "401", "403", "503"} <= set(one["responses"]), name
        assert "{" not in name or "404" in one["responses"], name
    posts = dict(operations)["POST /network/v2.0/networks"]
    schema = posts["responses"]["409"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["NeutronError"]


def test_titles_read_as_titles(operations: list[tuple[str, Any]]) -> None:
    titles = {name: one["summary"] for name, one in operations}
    assert titles["GET /compute/v2.1/servers"] == "List servers"
    assert titles["GET /compute/v2.1/servers/detail"] == "List servers with details"
    assert titles["DELETE /compute/v2.1/servers/{server_id}"] == "Delete a server"
    assert titles["POST /compute/v2.1/servers/{server_id}/action"] == "Act on a server"
    assert titles["GET /identity/v3/users/{user_id}/groups"] == "List groups of a user"
    assert titles["PATCH /identity/v3/domains/{domain_id}"] == "Update a domain"
