"""Invalid bodies of POST /servers and of server actions."""

import base64
from typing import Any

import pytest

from tests.api.bad_input.world import NOWHERE, World

SERVERS = "/compute/v2.1/servers"
LONG = "x" * 256

CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown image": ({"imageRef": NOWHERE}, 400, "imageRef"),
    "image is no uuid": ({"imageRef": "tiny"}, 400, "imageRef"),
    "image is a number": ({"imageRef": 7}, 400, "imageRef"),
    "image is a list": ({"imageRef": []}, 400, "imageRef"),
    "no image": ({"imageRef": ...}, 400, "imageRef"),
    "empty image": ({"imageRef": ""}, 400, "imageRef"),
    "null image": ({"imageRef": None}, 400, "imageRef"),
    "image with a NUL": ({"imageRef": "\0"}, 400, "imageRef"),
    "unknown flavor": ({"flavorRef": "none"}, 400, "flavorRef"),
    "flavor is an object": ({"flavorRef": {"id": "1"}}, 400, "flavorRef"),
    "flavor with a NUL": ({"flavorRef": "1\0"}, 400, "flavorRef"),
    "flavor of a whole page": ({"flavorRef": "1" * 10000}, 400, "flavorRef"),
    "null flavor": ({"flavorRef": None}, 400, "flavorRef"),
    "no flavor": ({"flavorRef": ...}, 400, "flavorRef"),
    "unknown network": ({"networks": [{"uuid": NOWHERE}]}, 400, NOWHERE),
    "network is no uuid": ({"networks": [{"uuid": "x"}]}, 400, "networks.0.uuid"),
    "second network is no uuid": ({"networks": [{"port": NOWHERE}, {"uuid": "x"}]}, 400, "networks.1.uuid"),
    "networks is a word": ({"networks": "some"}, 400, "networks"),
    "networks is null": ({"networks": None}, 400, "networks"),
    "networks is absent": ({"networks": ...}, 400, "networks"),
    "networks is an object": ({"networks": {"uuid": NOWHERE}}, 400, "networks"),
    "network is a string": ({"networks": ["auto"]}, 400, "networks"),
    "network is empty": ({"networks": [{}]}, 400, "networks"),
    "network has an unknown key": ({"networks": [{"uuid": NOWHERE, "x": 1}]}, 400, "networks"),
    "unknown port": ({"networks": [{"port": NOWHERE}]}, 400, NOWHERE),
    "address is none": ({"networks": [{"uuid": NOWHERE, "fixed_ip": "1.2.3"}]}, 400, "fixed_ip"),
    "too many networks": ({"networks": [{"uuid": NOWHERE}] * 65}, 400, "networks"),
    "long name": ({"name": LONG}, 400, "name"),
    "empty name": ({"name": ""}, 400, "name"),
    "blank name": ({"name": "  "}, 400, "name"),
    "null name": ({"name": None}, 400, "name"),
    "number as a name": ({"name": 5}, 400, "name"),
    "name with a NUL": ({"name": "a\0b"}, 400, "name"),
    "name with a line break": ({"name": "a\nb"}, 400, "name"),
    "name with half a character": ({"name": "\ud800"}, 400, ""),
    "user data is no base64": ({"user_data": "%%%"}, 400, "user_data"),
    "user data is too long": ({"user_data": base64.b64encode(b"x" * 65536).decode()}, 400, "user_data"),
    "user data is a number": ({"user_data": 5}, 400, "user_data"),
    "user data is a list": ({"user_data": ["x"]}, 400, "user_data"),
    "user data beyond ASCII": ({"user_data": "ü"}, 400, "user_data"),
    "unknown key pair": ({"key_name": "none"}, 400, "key_name"),
    "key name is a list": ({"key_name": ["k"]}, 400, "key_name"),
    "key name with a NUL": ({"key_name": "\0"}, 400, "key_name"),
    "unknown zone": ({"availability_zone": "none"}, 400, "availability"),
    "zone with a NUL": ({"availability_zone": "\0"}, 400, "availability_zone"),
    "a host is for administrators": ({"availability_zone": "nova:h1"}, 403, "forced_host"),
    "zone is a number": ({"availability_zone": {}}, 400, "availability_zone"),
    "no servers": ({"min_count": 0}, 400, "min_count"),
    "fewer than none": ({"max_count": -1}, 400, "max_count"),
    "min above max": ({"min_count": 3, "max_count": 2}, 400, "min_count"),
    "huge count": ({"max_count": 10**40}, 400, "max_count"),
    "count is infinite": ({"max_count": 1e308}, 400, "max_count"),
    "count is a word": ({"min_count": "many"}, 400, "min_count"),
    "count is a list": ({"min_count": [1]}, 400, "min_count"),
    "metadata is a list": ({"metadata": []}, 400, "metadata"),
    "metadata value is a number": ({"metadata": {"a": 1}}, 400, "metadata"),
    "metadata value is null": ({"metadata": {"a": None}}, 400, "metadata"),
    "metadata value is long": ({"metadata": {"a": LONG}}, 400, "metadata"),
    "metadata key is long": ({"metadata": {LONG: "a"}}, 400, "metadata"),
    "metadata key is empty": ({"metadata": {"": "a"}}, 400, "metadata"),
    "metadata with a NUL": ({"metadata": {"a": "\0"}}, 400, "metadata"),
    "metadata key with a NUL": ({"metadata": {"\0": "a"}}, 400, "metadata"),
    "too much metadata": ({"metadata": {str(n): "x" for n in range(129)}}, 403, "metadata_items"),
    "tags is a word": ({"tags": "web"}, 400, "tags"),
    "tag with a comma": ({"tags": ["a,b"]}, 400, "tags"),
    "tag with a NUL": ({"tags": ["\0"]}, 400, "tags"),
    "tag is a number": ({"tags": [{}]}, 400, "tags"),
    "long tag": ({"tags": ["x" * 61]}, 400, "tags"),
    "too many tags": ({"tags": [str(n) for n in range(51)]}, 400, "tags"),
    "config drive is a word": ({"config_drive": "maybe"}, 400, "config_drive"),
    "description is long": ({"description": LONG}, 400, "description"),
    "description with a NUL": ({"description": "\0"}, 400, "description"),
    "description is an object": ({"description": {}}, 400, "description"),
    "host name with a dash of slash": ({"hostname": "a/b"}, 400, "hostname"),
    "unknown group": ({"security_groups": [{"name": "none"}]}, 400, "security group none"),
    "group without a name": ({"security_groups": [{}]}, 400, "security_groups"),
    "group is a word": ({"security_groups": ["default"]}, 400, "security_groups"),
    "groups is a word": ({"security_groups": "default"}, 400, "security_groups"),
    "group with a NUL": ({"security_groups": [{"name": "\0"}]}, 400, "security_groups"),
    "volumes": (
        {"block_device_mapping_v2": [{"source_type": "volume", "destination_type": "volume", "uuid": NOWHERE}]},
        400,
        "Block Device Mapping is Invalid",
    ),
    "mapping of another image": (
        {"block_device_mapping_v2": [{"source_type": "image", "destination_type": "local", "uuid": NOWHERE}]},
        400,
        "block_device_mapping_v2",
    ),
    "mapping is a word": ({"block_device_mapping_v2": "x"}, 400, "block_device_mapping_v2"),
    "mapping is null": ({"block_device_mapping_v2": [None]}, 400, "block_device_mapping_v2"),
    "address is a word": ({"accessIPv4": "here"}, 400, "accessIPv4"),
    "address of another family": ({"accessIPv6": "10.0.0.1"}, 400, "accessIPv6"),
    "unknown key": ({"colour": "red"}, 400, "colour"),
    "personality is gone": ({"personality": []}, 400, "personality"),
    "disk config": ({"OS-DCF:diskConfig": "SOME"}, 400, "diskConfig"),
    "more than the quota": ({"min_count": 11}, 403, "instances"),
}


@pytest.mark.parametrize(("values", "code", "says"), CASES.values(), ids=list(CASES))
def test_create(world: World, values: dict[str, Any], code: int, says: str) -> None:
    world.refuses(code, "POST", SERVERS, world.body(**values), says=says)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "object"),
        ("server", "object"),
        (5, "object"),
        ({}, "server"),
        ({"server": None}, "server"),
        ({"server": []}, "server"),
        ({"server": "vm"}, "server"),
        ({"servers": {}}, "server"),
        ({"server": {}}, "name"),
    ],
)
def test_bodies_that_are_none(world: World, body: Any, says: str) -> None:
    world.refuses(400, "POST", SERVERS, body, says=says)


@pytest.mark.parametrize("hints", ["x", [1], {"group": {}}, {"group": None}, {str(n): "x" for n in range(33)}])
def test_hints(world: World, hints: Any) -> None:
    world.refuses(400, "POST", SERVERS, {**world.body(), "os:scheduler_hints": hints}, says="scheduler_hints")


def test_sizes(world: World) -> None:
    big = world.make_image(b"\x01" * 2**20, min_disk=2)
    world.refuses(400, "POST", SERVERS, world.body(imageRef=big), says="disk is too small")
    hungry = world.make_image(b"\x01" * 2**20, min_ram=4096)
    world.refuses(400, "POST", SERVERS, world.body(imageRef=hungry), says="memory is too small")
    empty = world.make_image(None)
    world.refuses(400, "POST", SERVERS, world.body(imageRef=empty), says="not active")


def test_another_projects_things(world: World) -> None:
    foreign = world.server(who="admin")
    for method, path in (
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/action"),
        ("GET", "/metadata"),
        ("GET", "/tags"),
        ("GET", "/ips"),
        ("GET", "/os-instance-actions"),
    ):
        body = {"os-stop": None} if path == "/action" else ({"server": {"name": "x"}} if method == "PUT" else None)
        world.refuses(404, method, f"{SERVERS}/{foreign}{path}", body, says=foreign)
    private = world.make_image(b"\x01" * 512, who="admin")
    world.refuses(400, "POST", SERVERS, world.body(imageRef=private), says="imageRef")
    network = world.call("POST", "/network/v2.0/networks", {"network": {"name": "n"}}, who="admin").json()["network"]
    world.refuses(400, "POST", SERVERS, world.body(networks=[{"uuid": network["id"]}]), says=network["id"])
    group = {"security_group": {"name": "theirs"}}
    key = world.call("POST", "/network/v2.0/security-groups", group, who="admin").json()["security_group"]["id"]
    world.refuses(400, "POST", SERVERS, world.body(security_groups=[{"name": key}]), says="security group")


@pytest.mark.parametrize(
    ("columns", "body", "says"),
    [
        ({}, {"os-start": None}, "vm_state active"),
        ({"vm_state": "stopped", "power_state": 4}, {"os-stop": None}, "vm_state stopped"),
        ({"vm_state": "stopped", "power_state": 4}, {"reboot": {"type": "SOFT"}}, "vm_state stopped"),
        ({"task_state": "powering-off"}, {"os-stop": None}, "task_state powering-off"),
        ({"vm_state": "building", "task_state": "spawning"}, {"os-stop": None}, "state"),
        ({"vm_state": "error"}, {"os-stop": None}, "vm_state error"),
    ],
)
def test_wrong_state(world: World, columns: dict[str, Any], body: Any, says: str) -> None:
    world.refuses(409, "POST", f"{SERVERS}/{world.server(**columns)}/action", body, says=says)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "action"),
        ([], "object"),
        ({"os-stop": None, "os-start": None}, "action"),
        ({"fly": None}, "fly"),
        ({"reboot": None}, "type"),
        ({"reboot": {"type": "WARM"}}, "type"),
        ({"reboot": {"type": 5}}, "type"),
        ({"reboot": "HARD"}, "type"),
        ({"os-getConsoleOutput": {"length": "ten"}}, "length"),
        ({"os-getConsoleOutput": {"length": -5}}, "length"),
        ({"os-getConsoleOutput": {"length": True}}, "length"),
        ({"os-getConsoleOutput": {"length": "--5"}}, "length"),
        ({"os-getConsoleOutput": {"length": "²"}}, "length"),
        ({"os-getConsoleOutput": {"length": 1.5}}, "length"),
        ({"rebuild": {"imageRef": NOWHERE, "preserve_ephemeral": True}}, "does not offer to keep ephemeral disks"),
        ({"lock": {"locked_reason": "x" * 256}}, "locked_reason"),
        ({"lock": {"locked_reason": "\0"}}, "locked_reason"),
        ({"lock": {"locked_reason": 5}}, "locked_reason"),
        ({"lock": 674}, "lock"),
        ({"lock": ""}, "lock"),
        ({"lock": []}, "lock"),
        ({"lock": {"reason": "mine"}}, "lock"),
    ],
)
def test_actions(world: World, body: Any, says: str) -> None:
    world.refuses(400, "POST", f"{SERVERS}/{world.server()}/action", body, says=says)


def test_reset_state_is_for_administrators(world: World) -> None:
    path = f"{SERVERS}/{world.server()}/action"
    world.refuses(403, "POST", path, {"os-resetState": {"state": "error"}}, says="reset_state")
    for state in ("flying", None, 5, [], {}):
        world.refuses(400, "POST", path, {"os-resetState": {"state": state}}, says="state", who="admin")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": LONG}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "\0"}, "name"),
        ({"name": "   "}, "name"),
        ({"description": "\0"}, "description"),
        ({"accessIPv4": 5}, "accessIPv4"),
        ({"flavorRef": "2"}, "flavorRef"),
        ({"hostname": "-" * 256}, "hostname"),
    ],
)
def test_updates(world: World, values: dict[str, Any], says: str) -> None:
    world.refuses(400, "PUT", f"{SERVERS}/{world.server()}", {"server": values}, says=says)


def test_the_same_delete_twice(world: World) -> None:
    key = world.server()
    assert world.call("DELETE", f"{SERVERS}/{key}").status_code == 204
    again = world.call("DELETE", f"{SERVERS}/{key}")  # under way: asking again is no error
    assert again.status_code == 204
    gone = world.server(vm_state="deleted", deleted_at="2026-01-01T00:00:00Z")
    world.refuses(404, "DELETE", f"{SERVERS}/{gone}", says=gone)
    world.refuses(404, "DELETE", f"{SERVERS}/{NOWHERE}", says=NOWHERE)


@pytest.mark.parametrize("key", ["x", "../etc", "%00", "1" * 3000, "6b1c0d51-0000-4000-8000", "é", "%ff"])
def test_ids_that_are_none(world: World, key: str) -> None:
    code = 400 if key == "%00" else 404
    for path in ("", "/metadata", "/metadata/a", "/tags", "/tags/t", "/os-instance-actions", "/ips"):
        world.refuses(code, "GET", f"{SERVERS}/{key}{path}")
    world.refuses(code, "POST", f"{SERVERS}/{key}/action", {"os-stop": None})
