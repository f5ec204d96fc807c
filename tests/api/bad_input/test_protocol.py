"""HTTP itself, for every service: bodies, headers, methods and paths."""

from typing import Any

import pytest

from tests.api.bad_input.world import JSON, NOWHERE, PASSWORD, World

# A collection of each service that takes a POST, and who may.
COLLECTIONS = {
    "/compute/v2.1/servers": "demo",
    "/compute/v2.1/os-keypairs": "demo",
    "/compute/v2.1/flavors": "admin",
    "/image/v2/images": "demo",
    "/network/v2.0/networks": "demo",
    "/network/v2.0/subnets": "demo",
    "/network/v2.0/ports": "demo",
    "/network/v2.0/security-groups": "demo",
    "/network/v2.0/security-group-rules": "demo",
    "/identity/v3/users": "admin",
    "/identity/v3/projects": "admin",
    "/identity/v3/auth/tokens": "demo",
}
collections = pytest.mark.parametrize("path", COLLECTIONS)

BAD_JSON = ["{", "", "nul", "{'a': 1}", '{"a": NaN}', "\xff\xfe", '{"a": 1}}', "[" * 5000, '{"a":' * 5000]


@collections
def test_no_json(world: World, path: str) -> None:
    for raw in BAD_JSON:
        if path == "/image/v2/images" and not raw:
            continue  # an image needs no attribute at all
        world.refuses(400, "POST", path, raw=raw, who=COLLECTIONS[path])
    world.refuses(400, "POST", path, raw=b"\xff\xfe\x00", who=COLLECTIONS[path])


@collections
def test_no_object(world: World, path: str) -> None:
    for body in ([], [1], "x", 5, 1e308, True, {}, {"x": 1}, {"": None}, {"server": None}):
        if path == "/image/v2/images" and body == {}:
            continue  # an image needs no attribute at all
        if path == "/image/v2/images" and isinstance(body, dict):
            body = {"name": body}
        world.refuses(400, "POST", path, body, who=COLLECTIONS[path])


@collections
def test_content_types(world: World, path: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"):
        world.refuses(415, "POST", path, raw='{"a": 1}', content_type=content_type, who=COLLECTIONS[path])


@collections
def test_methods(world: World, path: str) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "BREW"):
        if (path, method) == ("/identity/v3/auth/tokens", "DELETE"):
            continue
        refused = world.refuses(405, method, path, {}, who=COLLECTIONS[path])
        assert "POST" in refused["Allow"]


@collections
def test_too_much(world: World, path: str) -> None:
    raw = b'{"a": "' + b"x" * (3 * 2**20) + b'"}'
    world.refuses(413, "POST", path, raw=raw, who=COLLECTIONS[path], says="large")


@collections
def test_options_and_head(world: World, path: str) -> None:
    assert world.call("OPTIONS", path).status_code == 200
    if path.endswith("auth/tokens"):
        return
    head = world.call("HEAD", path, who=COLLECTIONS[path])
    assert (head.status_code, head.content) == (200, b"")
    assert head["x-openstack-request-id"]


@collections
def test_nobody(world: World, path: str) -> None:
    if path.endswith("auth/tokens"):
        return
    for method in ("GET", "POST"):
        world.refuses(401, method, path, {}, who=None)
        for token in ("x", "gAAAA", "\t", "ü", "x" * 5000, f"{world.tokens['demo']}x", world.tokens["demo"][:-4]):
            world.refuses(401, method, path, {}, who=None, headers={"X-Auth-Token": token})


def test_expired_and_revoked_tokens(world: World, settings: Any) -> None:
    revoked = world.sign_in("demo")
    headers = {"X-Auth-Token": world.tokens["demo"], "X-Subject-Token": revoked}
    assert world.call("DELETE", "/identity/v3/auth/tokens", who=None, headers=headers).status_code == 204
    settings.TOKEN_LIFETIME_SECONDS = -1
    expired = world.sign_in("demo")
    for path in ("/compute/v2.1/servers", "/image/v2/images", "/network/v2.0/networks", "/identity/v3/auth/catalog"):
        for token in (revoked, expired):
            world.refuses(401, "GET", path, who=None, headers={"X-Auth-Token": token})


@pytest.mark.parametrize(
    "path",
    [
        "/compute/v2.1/none",
        "/compute/v3/servers",
        "/compute/v2.1/servers/a/b/c",
        f"/compute/v2.1/servers/{NOWHERE}/none",
        "/image/v2/none",
        "/image/v1/images",
        "/network/v2.0/none",
        "/network/v2.0/networks/a/b/c",
        "/network/v1.0/networks",
        "/identity/v3/none",
        "/identity/v4",
        "/volume/v3/none",
    ],
)
def test_unknown_urls(world: World, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        world.refuses(404, method, path, {})
    world.refuses(404, "GET", path, who=None)


@pytest.mark.parametrize(
    "path",
    [
        "/compute/v2.1",
        "/compute",
        "/image",
        "/network",
        "/network/v2.0",
        "/identity",
        "/identity/v3",
        "/identity/v3/users",
    ],
)
def test_slashes(world: World, path: str) -> None:
    """Trailing and doubled slashes do not change the resource, and never redirect to another site."""
    plain = world.call("GET", path, who="admin")
    for other in (f"{path}/", path.replace("/", "//"), f"{path}//"):
        same = world.call("GET", f"http://testserver{other}", who="admin")  # else the client takes //x for a host
        assert same.status_code == plain.status_code, other
        assert set(same.json()) == set(plain.json())


def test_post_with_a_slash(world: World) -> None:
    made = world.call("POST", "http://testserver//compute//v2.1/servers/", world.body(networks="none"))
    assert made.status_code == 202


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("compute 2", 400),
        ("compute 2.x", 400),
        ("compute 2.01", 400),
        ("compute two", 400),
        ("compute 2.96.1", 400),
        ("compute -2.1", 400),
        ("compute ²", 400),
        ("compute 2.0", 406),
        ("compute 2.105", 406),
        ("compute 3.0", 406),
        ("compute 1.1", 406),
        ("compute 2.9999", 406),
    ],
)
def test_microversions(world: World, version: str, code: int) -> None:
    said = "of invalid format" if code == 400 else "is not supported"
    world.refuses(code, "GET", "/compute/v2.1/servers", headers={"OpenStack-API-Version": version}, says=said)
    number = version.partition(" ")[2]
    headers = {"OpenStack-API-Version": "", "X-OpenStack-Nova-API-Version": number}
    world.refuses(code, "POST", "/compute/v2.1/servers", world.body(), headers=headers, says=said)


@pytest.mark.parametrize(
    "version", ["", "compute", "volume 3.99", "compute latest", "image 2.1, compute 2.5", "nonsense"]
)
def test_microversions_that_are_none_of_ours(world: World, version: str) -> None:
    headers = {"OpenStack-API-Version": version}
    assert world.call("GET", "/compute/v2.1/servers", headers=headers).status_code == 200


@pytest.mark.parametrize("accept", ["", "*/*", "application/xml", "image/png", "nonsense", "text/*;q=0"])
def test_whatever_is_accepted_json_is_sent(world: World, accept: str) -> None:
    for path in ("/compute/v2.1/servers", "/image/v2/images", "/network/v2.0/networks", "/identity/v3/auth/catalog"):
        response = world.call("GET", path, headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, JSON)


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ({}, 400),
        ({"identity": None}, 400),
        ({"identity": []}, 400),
        ({"identity": {"methods": "password"}}, 400),
        ({"identity": {"methods": []}}, 400),
        ({"identity": {"methods": ["password"]}}, 400),
        ({"identity": {"methods": ["password"], "password": None}}, 400),
        ({"identity": {"methods": ["password"], "password": {"user": []}}}, 400),
        ({"identity": {"methods": ["password"], "password": {"user": {"id": 5, "password": PASSWORD}}}}, 400),
        ({"identity": {"methods": ["password"], "password": {"user": {"id": "\0", "password": PASSWORD}}}}, 400),
        ({"identity": {"methods": ["password"], "password": {"user": {"id": "x", "password": PASSWORD}}}}, 401),
        ({"identity": {"methods": ["password"], "password": {"user": {"id": "x" * 5000, "password": ""}}}}, 400),
        ({"identity": {"methods": ["magic"], "magic": {}}}, 401),
        ({"identity": {"methods": ["token"], "token": {"id": "x"}}}, 401),
        ({"identity": {"methods": ["token"], "token": {"id": None}}}, 400),
        ({"identity": {"methods": [{}]}}, 400),
    ],
)
def test_sign_in(world: World, auth: Any, code: int) -> None:
    response = world.call("POST", "/identity/v3/auth/tokens", {"auth": auth}, who=None)
    assert response.status_code in {code, 401}, response.content
    world.refuses(response.status_code, "POST", "/identity/v3/auth/tokens", {"auth": auth}, who=None)


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"id": NOWHERE}},
        {"project": {"id": "\0"}},
        {"project": {"name": "demo"}},
        {"project": None},
        {"project": []},
        {"domain": {"id": "default"}},
        {"system": {"all": False}},
        {"project": {"id": "x"}, "domain": {"id": "default"}},
        [],
        5,
        "everything",
    ],
)
def test_scopes(world: World, scope: Any) -> None:
    user = {"name": "demo", "domain": {"id": "default"}, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    code = world.call("POST", "/identity/v3/auth/tokens", body, who=None).status_code
    assert code in (400, 401)
    world.refuses(code, "POST", "/identity/v3/auth/tokens", body, who=None)
