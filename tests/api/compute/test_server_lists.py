"""GET /servers: pages, filters and sort keys, with valid and hostile values."""

import copy
import ipaddress
import uuid
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models.base import ModelState
from django.test.utils import CaptureQueriesContext

from apps.common.exceptions import BadRequest
from apps.compute.api.listing import STYLE
from apps.compute.models import BlockDevice, Flavor, Server
from apps.compute.selectors import server_lists
from apps.networking.models import FixedIP, Network, Port, PortSecurityGroup, SecurityGroup, Subnet
from tests.api.compute.conftest import ComputeCaller


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["name"] for one in answer.json()["servers"]]


def test_a_name_with_anchors_finds_exactly_one(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    """Cluster API and the cloud controller manager look servers up like this."""
    for name in ("node.a", "node-a", "node.a2", "my-node.a"):
        make_server(alice, name=name)
    assert names(alice.get("/servers", name=r"^node\.a$")) == ["node.a"]
    assert len(names(alice.get("/servers", name="NODE"))) == 4


@pytest.mark.parametrize("parameter", ["name", "ip", "ip6"])
@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)a", "((((a{255}){255}){255}){255})", "(", "*"])
def test_patterns_that_may_take_for_ever(alice: ComputeCaller, parameter: str, pattern: str) -> None:
    answer = alice.at("2.5").get("/servers", **{parameter: pattern})
    assert answer.status_code == 400
    assert f"query parameters {parameter}" in answer.json()["badRequest"]["message"]


def test_limit_0(alice: ComputeCaller, server: Server) -> None:
    """Nova lists no servers then, and all flavors and key pairs."""
    answer = alice.get("/servers", limit="0")
    assert names(answer) == [] and "servers_links" not in answer.json()
    Flavor.objects.create(flavor_id="8", name="f8", vcpus=2, ram_mib=256, disk_gib=3)
    assert len(alice.get("/flavors", limit="0").json()["flavors"]) == 1


@pytest.mark.parametrize("name", ["tenant_id", "project_id"])
def test_another_project_needs_all_tenants(
    alice: ComputeCaller, admin: ComputeCaller, make_server: Callable[..., Server], name: str
) -> None:
    make_server(alice, name="hers")
    make_server(admin, name="own")
    for path in ("/servers", "/servers/detail"):
        assert names(admin.get(path, **{name: alice.project_id})) == ["own"]
        assert names(admin.get(path, **{name: alice.project_id, "all_tenants": "1"})) == ["hers"]


def test_many_sort_keys_with_a_marker(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    marker = [make_server(alice, name=f"s{n}") for n in range(3)][1]
    keys = "&".join(f"sort_key={key}&sort_dir=asc" for key in list(server_lists.SORT_KEYS) * 10)
    with connection.execute_wrapper(lambda execute, sql, *more: execute(_bounded(sql), *more)):
        assert len(names(alice.get(f"/servers?{keys}&sort_key=name&marker={marker.id}"))) == 1


def _bounded(sql: str) -> str:
    assert len(sql) < 50_000
    return sql


HOSTILE = (
    "\u00b2", "-1", "9" * 30, "'; DROP TABLE compute_server; --", "%", "\\", "{}", "[", "a,b,,", "2026-13-45", "\ud7ff",
    "x" * 5000, "nan", "1e309", "::ffff:1.2.3.4", "(.*)*(.*)*(.*)*x", "",
)  # fmt: skip


def test_every_filter_with_hostile_values(admin: ComputeCaller, server: Server) -> None:
    """No value of any parameter causes a 5xx or a slow answer."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '1s'")
    for name, value in product(sorted(server_lists.KNOWN), HOSTILE):
        with suppress(BadRequest, DataError), transaction.atomic():
            rows = server_lists.filtered(
                context=admin.context, asked={name: [value]}, style=STYLE, all_projects=True, everything=True
            )
            list(rows.only("id").order_by("id")[:2])


@pytest.mark.parametrize("key", [*server_lists.SORT_KEYS])
def test_every_sort_key(alice: ComputeCaller, server: Server, key: str) -> None:
    assert names(alice.get("/servers", sort_key=key, marker=str(server.id))) == []


LONG = 1000  # servers of one page, the most that one holds


def test_a_long_page_runs_the_statements_of_a_short_one(
    alice: ComputeCaller, make_server: Callable[..., Server]
) -> None:
    """Each server has its own address, disk and group, so that a statement per server would show."""
    network = Network.objects.create(project_id=alice.project_id, name="n")
    subnet = Subnet.objects.create(
        project_id=alice.project_id, network=network, cidr="10.64.0.0/16", ip_version=4, name="s"
    )
    security_group = SecurityGroup.objects.create(project_id=alice.project_id, name="g")
    model = make_server(alice)
    Server.objects.filter(pk=model.pk).delete()
    statements = {}
    for start, count in ((0, 2), (2, LONG)):
        servers = []
        for number in range(start, count):
            servers.append(copy.copy(model))
            servers[-1].pk, servers[-1].name, servers[-1]._state = uuid.uuid4(), f"s{number}", ModelState()
        Server.objects.bulk_create(servers)
        BlockDevice.objects.bulk_create([BlockDevice(server=server, kind="root") for server in servers])
        ports = Port.objects.bulk_create(
            [
                Port(
                    project_id=alice.project_id, network=network, device_id=str(server.pk), device_owner="compute:nova",
                    request_index=0, mac_address=f"fa:16:3e:00:{number // 256:02x}:{number % 256:02x}",
                )
                for number, server in enumerate(servers, start)
            ]
        )  # fmt: skip
        addresses = [ipaddress.IPv4Address("10.64.0.9") + number for number in range(start, count)]
        FixedIP.objects.bulk_create(
            [
                FixedIP(port=port, subnet=subnet, ip_address=str(address))
                for port, address in zip(ports, addresses, strict=True)
            ]
        )
        PortSecurityGroup.objects.bulk_create(
            [PortSecurityGroup(port=port, security_group=security_group) for port in ports]
        )
        with CaptureQueriesContext(connection) as ran:
            answer = alice.at("2.96").get("/servers/detail")
        listed = answer.json()["servers"]
        assert len(listed) == count and all(one["addresses"]["n"] and one["security_groups"] for one in listed)
        statements[count] = len(ran)
    assert statements[LONG] == statements[2]
