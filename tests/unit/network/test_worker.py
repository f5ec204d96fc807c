"""The network worker: queued IDs are programmed, lost IDs are found, and a fault affects only its own row."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common import dispatch
from apps.networking import states
from apps.networking.models import FixedIP, Network, Port, SecurityGroup, SecurityGroupRule
from apps.networking.services import bindings, networks, ports, security_group_rules, security_groups, subnets
from apps.networking.values import RequestedNetwork
from apps.workflow.models import Finding
from tests.callers import Caller
from workers.drivers.errors import RetryableError
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import PortState
from workers.drivers.network.errors import EngineRefused, EngineUnavailable
from workers.network import engines, reconciler
from workers.network.statuses import Statuses
from workers.network.writer import Writer

Capture = Callable[..., AbstractContextManager[list[Callable[[], object]]]]
NEVER = threading.Event()


@pytest.fixture(autouse=True)
def cloud(settings: Any, tmp_path: Path, db: None) -> None:
    settings.HYPERVISOR, settings.NETWORK_WORKER, settings.STATE_DIR = "simulated", True, tmp_path
    settings.SIMULATION_PLAN = str(tmp_path / "plan.json")


@pytest.fixture
def engine(cloud: None) -> NetworkEngine:
    return engines.make()


@pytest.fixture
def writer(engine: NetworkEngine) -> Writer:
    return Writer(engine)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every line that was sent."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(dispatch, "_publish", lambda queue, line: sent.append(json.loads(json.dumps(line))))
    return sent


@pytest.fixture
def deliver(
    lines: list[dict[str, Any]], writer: Writer, django_capture_on_commit_callbacks: Capture
) -> Callable[[Callable[[], Any]], Any]:
    """Make a change, commit it, and let the worker take the sent lines."""

    def act(work: Callable[[], Any]) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            result = work()
        while lines:
            writer.add(lines.pop(0))
        writer.flush()
        return result

    return act


@pytest.fixture
def alice() -> Caller:
    return Caller("/network/v2.0")


@pytest.fixture
def network(alice: Caller, deliver: Any) -> Network:
    return deliver(lambda: make_network(alice))  # type: ignore[no-any-return]


def make_network(alice: Caller, cidr: str = "10.9.0.0/24") -> Network:
    made = networks.create(context=alice.context, values={"name": "n"})
    add_subnet(alice, made, cidr)
    return made


def add_subnet(alice: Caller, network: Network, cidr: str) -> Any:
    values = {"network_id": network.id, "cidr": cidr, "ip_version": 4}
    return subnets.create(context=alice.context, network=network, values=values)


def allocate(alice: Caller, network: Network, server_id: uuid.UUID, host: str = "host-1", count: int = 1) -> Any:
    return bindings.allocate_for_server(
        server_id=server_id,
        project_id=alice.context.project_id or "",
        host=host,
        requests=[RequestedNetwork(network_id=network.id)] * count,
        hostname="web",
    )


def healthy(engine: NetworkEngine) -> bool:
    return engine.differences(reconciler.wanted()) == ()


def programmed(engine: NetworkEngine) -> set[str]:
    return {port.id for port in engine.l2.list_ports()}


def test_the_life_of_a_servers_ports(alice: Caller, network: Network, engine: NetworkEngine, deliver: Any) -> None:
    server = uuid.uuid4()
    assert engine.l2.list_networks() == {str(network.id)}
    made = deliver(lambda: allocate(alice, network, server, count=2))
    assert programmed(engine) == {str(port.id) for port in made}
    assert healthy(engine)
    deliver(lambda: bindings.move_for_server(server_id=server, host="host-2"))
    assert healthy(engine)
    deliver(lambda: bindings.release_for_server(server_id=server))
    assert programmed(engine) == set()
    assert healthy(engine)


def test_a_users_own_port(alice: Caller, network: Network, engine: NetworkEngine, deliver: Any) -> None:
    """It is programmed while a server holds it, and no longer."""
    own = deliver(lambda: ports.create(context=alice.context, network=network, values={}))
    assert programmed(engine) == set()
    server = uuid.uuid4()
    request = RequestedNetwork(port_id=own.id)
    project = alice.context.project_id or ""
    deliver(
        lambda: bindings.allocate_for_server(server_id=server, project_id=project, host="host-1", requests=[request])
    )
    assert programmed(engine) == {str(own.id)}
    pairs = [{"ip_address": "10.9.0.77"}, {"ip_address": "10.50.0.0/16", "mac_address": "fa:16:3e:00:00:09"}]
    deliver(lambda: ports.update(context=alice.context, port=own, values={"allowed_address_pairs": pairs}))
    assert healthy(engine)
    deliver(lambda: bindings.release_for_server(server_id=server))
    assert programmed(engine) == set()
    assert healthy(engine)


def test_networks_and_subnets(alice: Caller, network: Network, engine: NetworkEngine, deliver: Any) -> None:
    deliver(lambda: allocate(alice, network, uuid.uuid4()))
    more = deliver(lambda: add_subnet(alice, network, "10.10.0.0/24"))
    assert healthy(engine)
    deliver(lambda: subnets.update(subnet=more, values={"enable_dhcp": False}))
    assert healthy(engine)
    deliver(lambda: networks.update(context=alice.context, network=network, values={"mtu": 1400}))
    assert healthy(engine)
    deliver(lambda: subnets.delete(subnet=more))
    assert healthy(engine)
    empty = deliver(lambda: make_network(alice, "10.11.0.0/24"))
    deliver(lambda: networks.delete(network=empty))
    assert engine.l2.list_networks() == {str(network.id)}


def test_security_groups(alice: Caller, network: Network, engine: NetworkEngine, deliver: Any, tmp_path: Path) -> None:
    def rule(group: SecurityGroup, **values: Any) -> Any:
        return security_group_rules.create(
            context=alice.context, group=group, values={"direction": "ingress", **values}
        )

    def rules_of(group: SecurityGroup) -> list[dict[str, Any]]:
        record = tmp_path / "simulated" / "network" / "groups" / f"{group.id}.json"
        return list(json.loads(record.read_text())["rules"])

    web = deliver(lambda: security_groups.create(context=alice.context, values={"name": "web"}))
    made = deliver(
        lambda: rule(web, protocol="tcp", port_range_min=80, port_range_max=80, remote_ip_prefix="10.1.2.3/8")
    )
    deliver(lambda: rule(web, protocol="ip", remote_group_id=str(web.id)))
    deliver(lambda: rule(web, protocol="icmp"))
    deliver(lambda: rule(web, protocol="udplite", port_range_min=1, port_range_max=9))  # which no engine takes
    ingress = [one for one in rules_of(web) if one["direction"] == "ingress"]
    assert sorted((one["protocol"] or 0, one["low"], one["remote_range"]) for one in ingress) == [
        (0, None, None),
        (1, None, None),
        (6, 80, "10.0.0.0/8"),
    ]
    assert healthy(engine)
    server, project = uuid.uuid4(), alice.context.project_id or ""
    request = RequestedNetwork(network_id=network.id)
    (port,) = deliver(
        lambda: bindings.allocate_for_server(
            server_id=server, project_id=project, host="host-1", requests=[request], security_groups=[web.id]
        )
    )
    record = tmp_path / "simulated" / "network" / "ports" / f"{port.id}.json"
    assert json.loads(record.read_text())["groups"] == [str(web.id)]
    deliver(lambda: security_group_rules.delete(rule=made))
    assert len(rules_of(web)) == 4
    assert healthy(engine)
    deliver(lambda: security_groups.update(context=alice.context, group=web, values={"stateful": False}))
    assert healthy(engine)
    deliver(lambda: bindings.release_for_server(server_id=server))
    deliver(lambda: security_groups.delete(context=alice.context, group=web))
    assert str(web.id) not in engine.rules.list_groups()
    assert healthy(engine)


def test_lost_lines_are_found(
    alice: Caller, network: Network, engine: NetworkEngine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "AGAIN_SECONDS", 0.0)
    assert reconciler.reconcile(writer, NEVER) == 0
    allocate(alice, network, uuid.uuid4())  # its line is never delivered
    assert not healthy(engine)
    assert reconciler.reconcile(writer, NEVER) == 2  # the port, and its project's default group
    assert healthy(engine)
    assert [row.kind for row in Finding.objects.all()] == [reconciler.KIND] * 2
    assert reconciler.reconcile(writer, NEVER) == 0


def test_a_change_under_way_is_no_finding(
    alice: Caller, network: Network, engine: NetworkEngine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line arrives between the first and the second read."""
    allocate(alice, network, uuid.uuid4())
    late = threading.Event()

    def arrive(_seconds: float) -> bool:
        reconciler.sync(engine)
        return False

    monkeypatch.setattr(late, "wait", arrive)
    assert reconciler.reconcile(writer, late) == 0
    assert not Finding.objects.exists()


def test_an_empty_description_is_built(alice: Caller, network: Network, engine: NetworkEngine, deliver: Any) -> None:
    deliver(lambda: allocate(alice, network, uuid.uuid4()))
    engine.l2.remove_networks([str(network.id)])
    assert len(reconciler.sync(engine)) == 2  # the network and its port; the groups are there
    assert reconciler.sync(engine) == ()


def test_the_engine_is_away(
    alice: Caller, network: Network, engine: NetworkEngine, writer: Writer, deliver: Any, tmp_path: Path
) -> None:
    """A change that failed to be written is kept and retried."""
    fault = {"op": "ensure_ports", "host": "network", "error": "retryable", "times": 1}
    (tmp_path / "plan.json").write_text(json.dumps({"faults": [fault]}))
    with pytest.raises(RetryableError):
        deliver(lambda: allocate(alice, network, uuid.uuid4()))
    assert not writer.is_idle
    writer.flush()
    assert writer.is_idle
    assert healthy(engine)


def test_a_row_that_no_engine_takes(
    alice: Caller, network: Network, engine: NetworkEngine, writer: Writer, deliver: Any
) -> None:
    """It is left out, and reported until it changes; its neighbours are programmed."""
    good, bad, server = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    deliver(lambda: allocate(alice, network, good))
    (wrong,) = allocate(alice, network, bad)
    FixedIP.objects.filter(port_id=wrong.id).update(ip_address="172.31.0.1")
    Port.objects.filter(id=wrong.id).update(hostname='a"b')
    made = deliver(lambda: allocate(alice, network, server))
    assert str(wrong.id) not in programmed(engine)
    assert str(made[0].id) in programmed(engine)
    assert healthy(engine)
    group = SecurityGroup.objects.create(project_id=alice.context.project_id, name="odd")
    SecurityGroupRule.objects.create(security_group=group, direction="ingress", ethertype="IPv4", remote_ip_prefix="x")
    assert reconciler.reconcile(writer, NEVER) == 3  # the group itself is written
    subjects = set(Finding.objects.filter(resolved_at=None).values_list("subject", flat=True))
    assert subjects == {f"port {wrong.id}", f"rule of group {group.id}"}
    assert [text.split(":")[0] for text in reconciler.differences(engine)] == sorted(subjects)
    bindings.release_for_server(server_id=bad)
    group.rules.all().delete()
    assert reconciler.reconcile(writer, NEVER) == 0
    assert not Finding.objects.filter(resolved_at=None).exists()


def test_a_second_worker_waits(engine: NetworkEngine, writer: Writer) -> None:
    other = engines.make()
    engine.claim()
    engine.claim()
    with pytest.raises(EngineUnavailable):
        other.claim()
    other.claim(steal=True)
    engine.close()
    other.claim()
    other.close()


def test_what_the_engine_refuses_is_left_out(
    alice: Caller, network: Network, engine: NetworkEngine, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ports of one batch are written one by one when it is refused; the rest of the batch goes on."""
    real, made = engine.l2.ensure_ports, [allocate(alice, network, uuid.uuid4())[0] for _ in range(3)]

    def ensure(spec: Any, ports: Any) -> None:
        if str(made[1].id) in [port.id for port in ports]:
            raise EngineRefused("No.")
        real(spec, ports)

    monkeypatch.setattr(engine.l2, "ensure_ports", ensure)
    writer.add({"ports": [str(port.id) for port in made]})
    writer.flush()
    assert programmed(engine) == {str(made[0].id), str(made[2].id)}
    assert writer.is_idle


def test_lines_of_anything(writer: Writer, engine: NetworkEngine) -> None:
    for line in ({"ports": ["x", None, 7]}, {"networks": "none"}, {"other": []}, {"servers": [str(uuid.uuid4())]}):
        writer.add(line)
    writer.flush()
    assert writer.is_idle


def test_a_batch_is_read_in_four_queries(
    alice: Caller,
    network: Network,
    lines: list[dict[str, Any]],
    writer: Writer,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(10):
            allocate(alice, network, uuid.uuid4())
    while lines:
        writer.add(lines.pop())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        writer.flush()
    assert len([one for one in queries.captured_queries if not one["sql"].startswith("PREPARE")]) == 4


def test_statuses(alice: Caller, network: Network) -> None:
    """A port is DOWN from the start: only one that was up is news."""
    (first, second) = (allocate(alice, network, uuid.uuid4())[0] for _ in range(2))
    statuses = Statuses()

    def status_of(port: Any) -> str:
        return Port.objects.get(id=port.id).status

    for port, up in ((first, False), (first, True), (second, False)):
        statuses.hear(PortState(str(port.id), up=up))
    statuses.flush()
    assert [status_of(port) for port in (first, second)] == [states.ACTIVE, states.DOWN]
    statuses.hear(PortState(str(first.id), up=False))
    statuses.flush()
    assert status_of(first) == states.DOWN


def test_without_a_worker_nothing_is_sent(
    alice: Caller, settings: Any, lines: list[dict[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    settings.NETWORK_WORKER = False
    with django_capture_on_commit_callbacks(execute=True):
        allocate(alice, make_network(alice), uuid.uuid4())
    assert lines == []
    with pytest.raises(SystemExit):
        engines.make()
