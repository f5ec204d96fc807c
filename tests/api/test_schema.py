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


# Celerity has no default group type, no power actions of hosts, no segments apart from networks, no shares
# and no remote consoles.
ALWAYS_REFUSED = {
    "GET /compute/v2.1/os-hosts/{name}/reboot",
    "GET /compute/v2.1/os-hosts/{name}/shutdown",
    "GET /compute/v2.1/os-hosts/{name}/startup",
    "GET /volume/v3/group_types/default",
    "POST /network/v2.0/segments",
    "PUT /network/v2.0/segments/{item_id}",
    "DELETE /network/v2.0/segments/{item_id}",
    "POST /compute/v2.1/servers/{server_id}/shares",
    "GET /compute/v2.1/servers/{server_id}/shares/{share_id}",
    "DELETE /compute/v2.1/servers/{server_id}/shares/{share_id}",
    "GET /compute/v2.1/os-console-auth-tokens/{console_token}",
    "POST /compute/v2.1/servers/{server_id}/remote-consoles",
}


def test_every_operation_has_a_success(operations: list[tuple[str, Any]]) -> None:
    """Answers are read from the handlers' source: one that cannot be read shows here."""
    assert {name for name, one in operations if not [code for code in one["responses"] if code < "400"]} == (
        ALWAYS_REFUSED
    )


def test_answers_say_what_handlers_answer(operations: list[tuple[str, Any]]) -> None:
    answers = {name: one["responses"] for name, one in operations}
    codes = {name: {code for code in found if code < "400"} for name, found in answers.items()}
    assert codes["DELETE /compute/v2.1/servers/{server_id}"] == {"204"}
    assert codes["POST /compute/v2.1/servers/{server_id}/action"] == {"200", "202"}
    assert codes["POST /identity/v2.0/users/{user_id}/credentials/OS-EC2"] == {"200"}
    assert codes["POST /identity/v3/users/{user_id}/credentials/OS-EC2"] == {"201"}
    assert set(answers["GET /image/v2/images/{image_id}/file"]["200"]["content"]) == {"application/octet-stream"}
    assert set(answers["GET /image/v2/images"]["400"]["content"]) == {"application/json", "text/html"}
    listed = answers["GET /identity/v2.0/OS-KSADM/roles"]["200"]["content"]["application/json"]["schema"]
    assert listed["required"] == ["roles"]
    networks = answers["GET /network/v2.0/networks"]["200"]["content"]["application/json"]["schema"]
    assert networks["properties"]["networks"]["type"] == "array"
