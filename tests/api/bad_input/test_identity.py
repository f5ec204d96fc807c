"""Users, projects and what belongs to them."""

from typing import Any

import pytest

from tests.api.bad_input.world import World

IDENTITY = "/identity/v3"
LONG = "x" * 256

IDENTITY_VALUES: list[tuple[str, Any, str]] = [
    ("user", {"name": LONG}, "name"),
    ("user", {"name": ""}, "name"),
    ("user", {"name": 5}, "name"),
    ("user", {"name": "\0"}, "name"),
    ("user", {"enabled": "maybe"}, "enabled"),
    ("user", {"password": 5}, "password"),
    ("user", {"domain_id": "none"}, "domain"),
    ("user", {"email": "\0"}, "email"),
    ("project", {"name": "x" * 65}, "name"),
    ("project", {"name": None}, "name"),
    ("project", {"parent_id": "none"}, "none"),
    ("project", {"tags": "x"}, "tags"),
    ("project", {"tags": ["a,b"]}, "tags"),
    ("project", {"description": "\0"}, "description"),
    ("role", {"name": LONG}, "name"),
    ("domain", {"name": []}, "name"),
    ("region", {"id": {}}, "id"),
    ("service", {"type": None}, "type"),
    ("endpoint", {"url": 5}, "url"),
]


@pytest.mark.parametrize(("noun", "values", "says"), IDENTITY_VALUES)
def test_identity(world: World, noun: str, values: Any, says: str) -> None:
    least = {
        "user": {"name": "n", "password": "correct horse battery"},
        "endpoint": {"service_id": "x", "interface": "public", "url": "http://x"},
        "region": {},
        "service": {"type": "x"},
    }
    body = {noun: {**least.get(noun, {"name": "n"}), **values}}
    refused = world.call("POST", f"{IDENTITY}/{noun}s", body, who="admin")
    assert refused.status_code in (400, 404), refused.content
    world.refuses(refused.status_code, "POST", f"{IDENTITY}/{noun}s", body, says=says, who="admin")


def test_identity_is_for_administrators(world: World) -> None:
    for noun in ("users", "projects", "roles", "domains"):
        if noun in ("users", "domains"):
            world.refuses(403, "GET", f"{IDENTITY}/{noun}", says="identity:")
        world.refuses(403, "POST", f"{IDENTITY}/{noun}", {noun[:-1]: {"name": "n", "password": "x"}}, says="identity:")
        for key in ("none", "1" * 3000, "é"):
            world.refuses(404, "GET", f"{IDENTITY}/{noun}/{key}", who="admin")
            world.refuses(404, "DELETE", f"{IDENTITY}/{noun}/{key}", who="admin")
