"""Scheduler hints and requested hosts: what Nova's schema accepts and refuses, and their effect."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.compute.models import Flavor, Server
from apps.compute.selectors import request_specs
from apps.images.models import Image
from apps.scheduling.filters import variables
from apps.scheduling.models import Allocation, Host
from apps.scheduling.specs import RequestSpec
from tests.api.compute.conftest import ComputeCaller

SOME = "7a1f9c04-7c34-4f0c-b48d-6ef0e1f2a8a5"


@pytest.fixture
def body(flavor: Flavor) -> dict[str, Any]:
    image = Image.objects.create(
        name="i", project_id="x", visibility="public", status="active", disk_format="raw", container_format="bare",
        size=10, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip
    return {"name": "vm", "imageRef": str(image.id), "flavorRef": flavor.flavor_id, "networks": "none"}


@pytest.mark.parametrize("key", ["os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"])
@pytest.mark.parametrize(
    "hints",
    [
        {"different_host": SOME},
        {"different_host": [SOME, SOME.replace("-", "")]},
        {"same_host": SOME},
        {"same_host": []},
        {"query": '[">=", "$free_ram_mb", 1024]'},
        {"build_near_host_ip": "192.0.2.7", "cidr": "/24"},
        {"build_near_host_ip": "2001:db8::1"},
        {"target_cell": "c", "different_cell": ["a", "b"]},
        {"reservation": SOME},
        {"anything": {"of": ["any", {"form": None}]}, "else": 5, "nothing": None},
    ],
)
def test_accepted(
    alice: ComputeCaller, body: dict[str, Any], no_broker: list[Any], key: str, hints: dict[str, Any]
) -> None:
    answer = alice.at("2.96").post("/servers", {"server": body, key: hints})
    assert answer.status_code == 202, answer.content
    assert Server.objects.get().scheduler_hints == hints


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "hints",
    [
        {"group": "x"},
        {"group": [SOME]},
        {"different_host": "x"},
        {"different_host": ["x"]},
        {"different_host": {"a": SOME}},
        {"different_host": [SOME] * 101},
        {"same_host": 5},
        {"same_host": [5]},
        {"query": "no json"},
        {"query": '{"a": 1}'},
        {"query": {"a": 1}},
        {"query": 5},
        {"build_near_host_ip": "x"},
        {"cidr": "24"},
        {"target_cell": ""},
        {"different_cell": [5]},
        {"other": {"a": "\0"}},
    ],
)
def test_refused(alice: ComputeCaller, body: dict[str, Any], hints: dict[str, Any]) -> None:
    answer = alice.at("2.96").post("/servers", {"server": body, "os:scheduler_hints": hints})
    assert answer.status_code == 400, answer.content
    assert "os:scheduler_hints" in answer.json()["badRequest"]["message"]
    assert not Server.objects.exists()


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("name", sorted(variables.INNER))
def test_no_query_tells_what_hosts_are_called(
    alice: ComputeCaller, admin: ComputeCaller, body: dict[str, Any], make_host: Callable[..., Host],
    no_broker: list[Any], name: str, dry_run: bool,
) -> None:  # fmt: skip
    """With dry runs a query is an oracle: ``["<", "$host", "m"]`` finds a host's name letter by letter."""
    make_host("h1", 1)
    query = json.dumps(["or", ["not", ["and", [">=", "$free_ram_mb", 1], ["in", "h1", f"${name}"]]]])
    wanted = {"server": {**body, "dry_run": dry_run}, "os:scheduler_hints": {"query": query}}
    refused = alice.at("2.96").post("/servers", wanted)
    assert refused.status_code == 400
    message = refused.json()["badRequest"]["message"]
    assert f"os:scheduler_hints.query: only administrators may ask by ${name}. Others may ask by " in message
    assert "$free_ram_mb" in message and "$hypervisor_type" in message
    assert not Server.objects.exists()
    assert admin.at("2.96").post("/servers", wanted).status_code == (200 if dry_run else 202)


@pytest.mark.parametrize("name", [*variables.OPEN, "bogus"])
def test_amounts_may_be_asked_by(
    alice: ComputeCaller, body: dict[str, Any], make_host: Callable[..., Host], name: str
) -> None:
    make_host("h1", 1)
    wanted = {"server": {**body, "dry_run": True}, "os:scheduler_hints": {"query": json.dumps(["=", f"${name}", 1])}}
    assert alice.at("2.96").post("/servers", wanted).status_code == 200


def test_a_query_as_deep_as_json_goes(alice: ComputeCaller, body: dict[str, Any]) -> None:
    for depth, inner, code in ((1000, '"$host"', 400), (1000, "1", 200), (4000, "1", 400)):
        hints = {"query": "[" * depth + inner + "]" * depth}
        answer = alice.at("2.96").post("/servers", {"server": {**body, "dry_run": True}, "os:scheduler_hints": hints})
        assert answer.status_code == code, (depth, inner)


def test_what_is_nested_beyond_measure_is_refused(alice: ComputeCaller, body: dict[str, Any]) -> None:
    answer = alice.at("2.96").post("/servers", {"server": body, "os:scheduler_hints": {"other": _nested(300)}})
    assert answer.status_code == 400
    assert "nested more than" in answer.json()["badRequest"]["message"]


@pytest.mark.parametrize(
    ("values", "host"),
    [
        ({"availability_zone": "nova"}, ""),
        ({"availability_zone": "nova:h1"}, "h1"),
        ({"availability_zone": "nova:h1:h1"}, "h1"),
        ({"availability_zone": "nova::h1"}, "h1"),
        ({"availability_zone": ":h1"}, "h1"),
        ({"host": "h1"}, "h1"),
        ({"hypervisor_hostname": "h1"}, "h1"),
        ({"host": "h1", "hypervisor_hostname": "h1", "availability_zone": "nova"}, "h1"),
    ],
)
def test_places(
    admin: ComputeCaller, alice: ComputeCaller, body: dict[str, Any], make_host: Callable[..., Host],
    no_broker: list[Any], values: dict[str, str], host: str,
) -> None:  # fmt: skip
    make_host("h1", 1)
    assert admin.at("2.96").post("/servers", {"server": {**body, **values}}).status_code == 202
    assert Server.objects.get().requested_host == host
    refused = alice.at("2.96").post("/servers", {"server": {**body, **values}})
    assert refused.status_code == (403 if host else 202)


@pytest.mark.parametrize(
    "values",
    [
        {"availability_zone": "nova:h1:h1:h1"},
        {"availability_zone": "nova:h1:h2"},
        {"availability_zone": "nova:none"},
        {"availability_zone": "none"},
        {"availability_zone": "nova:h1", "host": "h1"},
        {"host": "h1", "hypervisor_hostname": "h2"},
        {"host": "none"},
    ],
)
def test_places_that_are_none(
    admin: ComputeCaller, body: dict[str, Any], make_host: Callable[..., Host], values: dict[str, str]
) -> None:
    make_host("h1", 1)
    make_host("h2", 2)
    assert admin.at("2.96").post("/servers", {"server": {**body, **values}}).status_code == 400
    assert not Server.objects.exists()


def place(server: Server, host: Host) -> Server:
    Allocation.objects.create(consumer_id=server.id, host=host, vcpus=1, ram_mib=1, disk_gib=1)
    return server


def spec_of(server: Server, *, statements: int) -> RequestSpec:
    with CaptureQueriesContext(connection) as queries:
        found = request_specs.of_server(server, excluded=[])
    assert len(queries) == statements
    return found


def test_servers_are_resolved_to_hosts(
    alice: ComputeCaller, bob: ComputeCaller, make_server: Callable[..., Server], make_host: Callable[..., Host]
) -> None:
    h1, h2 = make_host("h1", 1), make_host("h2", 2)
    near, far = place(make_server(alice), h1), place(make_server(alice), h2)
    strange, nowhere = place(make_server(bob), h1), make_server(alice)

    def of(**hints: Any) -> RequestSpec:
        return spec_of(make_server(alice, scheduler_hints=hints), statements=1)

    assert of(different_host=str(near.id)).different_hosts == {"h1"}
    assert of(different_host=[str(near.id), str(far.id)]).different_hosts == {"h1", "h2"}
    assert of(different_host=[str(strange.id), str(nowhere.id), SOME]).different_hosts == set()
    assert of(same_host=[str(near.id)]).same_hosts == {"h1"}
    assert of(same_host=[str(strange.id)]).same_hosts == set(), "another project's servers are not seen"
    both = of(same_host=str(near.id), different_host=str(far.id))
    assert (both.same_hosts, both.different_hosts, both.group) == ({"h1"}, {"h2"}, None)


def test_a_group_is_counted_by_host(
    alice: ComputeCaller, make_server: Callable[..., Server], make_host: Callable[..., Host]
) -> None:
    values = {"name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": 2}}
    group = alice.at("2.64").post("/os-server-groups", {"server_group": values}).json()["server_group"]["id"]
    h1, h2 = make_host("h1", 1), make_host("h2", 2)
    for host in (h1, h1, h2):
        place(make_server(alice, group_id=group), host)
    place(make_server(alice), h2)
    make_server(alice, group_id=group)
    found = spec_of(place(make_server(alice, group_id=group), h2), statements=1).group
    assert found is not None
    assert (found.policy, found.max_server_per_host, found.members) == ("anti-affinity", 2, {"h1": 2, "h2": 1})


@pytest.mark.parametrize("hints", [{}, {"a": "b"}, {"query": '["=", "$free_ram_mb", 1]'}, {"different_host": []}])
def test_other_hints_cost_nothing(
    alice: ComputeCaller, make_server: Callable[..., Server], hints: dict[str, Any]
) -> None:
    found = spec_of(make_server(alice, scheduler_hints=hints), statements=0)
    assert (found.group, found.different_hosts, found.same_hosts) == (None, frozenset(), None)
    assert found.query == (["=", "$free_ram_mb", 1] if "query" in hints else None)
    assert found.flavor_name == "f7"


def test_hints_of_servers_from_before(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    """A hint that was stored before hints were checked must not fail a build."""
    server = make_server(
        alice, scheduler_hints={"query": "no json", "same_host": "x", "different_host": [str(uuid.uuid4())]}
    )
    assert spec_of(server, statements=1).query is None
