"""The network worker and port forwardings, QoS policies and trunks: rows reach the engine, and go again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.compute.models import Server
from apps.networking import rpcapi
from apps.networking.models import FloatingIP, Network, Port, PortForwarding
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors import ports as port_selectors
from apps.networking.selectors import programmed
from apps.networking.services import (
    bindings,
    floating_ips,
    networks,
    port_forwardings,
    ports,
    qos_policies,
    qos_rules,
    router_interfaces,
    routers,
    trunks,
)
from apps.networking.values import RequestedNetwork
from tests.callers import Caller
from tests.unit.network.test_routing import public, record  # noqa: F401 (fixture)
from tests.unit.network.test_worker import (  # noqa: F401 (fixtures)
    add_subnet,
    alice,
    allocate,
    cloud,
    deliver,
    engine,
    healthy,
    lines,
    network,
    writer,
)
from workers.drivers.network.base.engine import NetworkEngine

Deliver = Callable[[Callable[[], Any]], Any]
SSH = {"protocol": "tcp", "external": (2222, 2223), "internal": (22, 23)}
SLOW = {"kbps": 1000, "burst_kbit": 0}


@pytest.fixture
def floating_ip(alice: Caller, network: Network, public: Network, deliver: Deliver) -> FloatingIP:  # noqa: F811
    """A loose one; a router leads from it to the network."""
    context, info = alice.context, {"network_id": public.id}
    router = deliver(lambda: routers.create(context=context, values={"external_gateway_info": info}))
    subnet_id = network.subnets.get().id
    deliver(lambda: router_interfaces.add_subnet(context=context, router=router, subnet_id=subnet_id))
    made: FloatingIP = deliver(lambda: floating_ips.create(context=context, values={"floating_network_id": public.id}))
    return made


def test_port_forwardings(
    alice: Caller, network: Network, floating_ip: FloatingIP, engine: NetworkEngine, deliver: Deliver, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    server = uuid.uuid4()
    (port,) = deliver(lambda: allocate(alice, network, server))
    context, values = alice.context, {**SSH, "internal_port_id": port.id}
    made = deliver(lambda: port_forwardings.create(context=context, floating_ip=floating_ip, values=values))
    written = record(tmp_path, "floating_ips", floating_ip)
    assert [(item["port"], item["fixed_port"], item["fixed_ip"]) for item in written["forwardings"]] == [
        (2222, 22, port.ips[0]), (2223, 23, port.ips[0])
    ]  # fmt: skip
    assert (written["fixed_ip"], written["network_ids"]) == ("", [str(network.id)])
    changes = {"external": (80, 81), "internal": (8080, 8080)}
    deliver(lambda: port_forwardings.update(context=context, forwarding=made, values=changes))
    written = record(tmp_path, "floating_ips", floating_ip)
    assert [(item["port"], item["fixed_port"]) for item in written["forwardings"]] == [(80, 8080), (81, 8080)]
    assert healthy(engine)
    deliver(lambda: bindings.release_for_server(server_id=server))
    assert engine.l3.list_floating_ips() == set()
    assert healthy(engine)

    (port,) = deliver(lambda: allocate(alice, network, server))
    values = {**SSH, "internal_port_id": port.id}
    deliver(lambda: port_forwardings.create(context=context, floating_ip=floating_ip, values=values))
    assert engine.l3.list_floating_ips() == {str(floating_ip.id)}
    PortForwarding.objects.all().delete()  # with a router and without forwardings it leads nowhere either
    deliver(lambda: rpcapi.changed(floating_ips=[floating_ip.id]))
    assert engine.l3.list_floating_ips() == set()


def test_limits(
    alice: Caller, network: Network, public: Network, floating_ip: FloatingIP, engine: NetworkEngine,  # noqa: F811
    deliver: Deliver, tmp_path: Path,  # noqa: F811
) -> None:  # fmt: skip
    (port,) = deliver(lambda: allocate(alice, network, uuid.uuid4()))
    context, admin = alice.context, Caller(alice.prefix, admin=True).context
    leading = {"port_id": port.id}
    deliver(lambda: floating_ips.update(context=context, floating_ip=floating_ip, values=leading))
    inner = deliver(lambda: qos_policies.create(context=context, values={}))
    outer = deliver(lambda: qos_policies.create(context=admin, values={}))
    given = {"qos_policy_id": inner.id}
    deliver(lambda: networks.update(context=context, network=network, values=given))
    given = {"qos_policy_id": outer.id}
    outside = network_selectors.get(context=admin, network_id=public.id)
    deliver(lambda: networks.update(context=admin, network=outside, values=given))
    assert record(tmp_path, "ports", port)["qos"] is None
    limit = {"max_kbps": 1000}
    rule = deliver(lambda: qos_rules.create(context=context, policy=inner, kind="bandwidth_limit", values=limit))
    deliver(lambda: qos_rules.create(context=admin, policy=outer, kind="bandwidth_limit", values=limit))
    assert record(tmp_path, "ports", port)["qos"]["egress"] == SLOW
    led = record(tmp_path, "floating_ips", floating_ip)
    router = record(tmp_path, "routers", FloatingIP.objects.get(id=floating_ip.id).router)
    assert (led["qos"]["egress"], router["gateway"]["qos"]["egress"]) == (SLOW, SLOW)
    assert led["gateway"] == [str(public.id), router["gateway"]["interface"]["port_id"]]
    assert healthy(engine)
    deliver(lambda: qos_rules.delete(rule=rule))
    assert record(tmp_path, "ports", port)["qos"] is None
    assert healthy(engine)


def test_limits_of_a_flavor(
    alice: Caller, network: Network, engine: NetworkEngine, deliver: Deliver, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    """A policy's count where they are lower."""
    specs = {"quota:vif_outbound_average": "50", "quota:vif_outbound_burst": "10", "quota:vif_inbound_peak": "9000"}
    flavor = {"vcpus": 1, "ram": 1, "disk": 1, "extra_specs": specs}
    server = Server.objects.create(project_id=alice.project_id, user_id="u", name="s", hostname="s", flavor=flavor)
    (port,) = deliver(lambda: allocate(alice, network, server.id))
    limits = {"egress": {"kbps": 400, "burst_kbit": 80}, "ingress": {"kbps": 72000, "burst_kbit": 0}, "dscp": None}
    assert record(tmp_path, "ports", port)["qos"] == limits
    assert healthy(engine)
    policy = deliver(lambda: qos_policies.create(context=alice.context, values={}))
    limit = {"max_kbps": 999}
    deliver(lambda: qos_rules.create(context=alice.context, policy=policy, kind="bandwidth_limit", values=limit))
    given = {"qos_policy_id": policy.id}
    deliver(lambda: networks.update(context=alice.context, network=network, values=given))
    assert record(tmp_path, "ports", port)["qos"] == limits
    specs.update({"quota:vif_outbound_average": "5000", "quota:vif_inbound_peak": "lots"})
    Server.objects.filter(id=server.id).update(flavor=flavor)
    deliver(lambda: rpcapi.changed(servers=[server.id]))
    written = record(tmp_path, "ports", port)["qos"]
    assert written == {"egress": {"kbps": 999, "burst_kbit": 0}, "ingress": None, "dscp": None}
    assert healthy(engine)


def test_trunks(alice: Caller, network: Network, engine: NetworkEngine, deliver: Deliver, tmp_path: Path) -> None:  # noqa: F811
    context = alice.context
    other: Network = deliver(lambda: networks.create(context=context, values={"name": "other"}))
    deliver(lambda: add_subnet(alice, other, "10.10.0.0/24"))
    parent, part, late = (
        ports.create(context=context, network=of, values={"network_id": of.id}) for of in (network, other, other)
    )
    tags = [{"port_id": part.id, "segmentation_type": "vlan", "segmentation_id": 100}]
    trunk = deliver(lambda: trunks.create(context=context, values={"port_id": parent.id, "sub_ports": tags}))
    assert engine.l2.list_ports() == ()

    server, wanted = uuid.uuid4(), [RequestedNetwork(network_id=network.id, port_id=parent.id)]
    deliver(
        lambda: bindings.allocate_for_server(
            server_id=server, project_id=alice.project_id, host="host-1", requests=wanted
        )
    )
    assert {row.device_id for row in programmed.everything().ports} == {str(server)}
    written = record(tmp_path, "ports", part)
    assert (written["parent"], written["tag"], written["network_id"]) == (str(parent.id), 100, str(other.id))
    more = [{"port_id": late.id, "segmentation_type": "vlan", "segmentation_id": 7}]
    deliver(lambda: trunks.add_sub_ports(context=context, trunk=trunk, wanted=more))
    assert record(tmp_path, "ports", late)["tag"] == 7
    deliver(lambda: trunks.update(context=context, trunk=trunk, values={"admin_state_up": False}))
    assert not record(tmp_path, "ports", late)["admin_up"]
    deliver(lambda: trunks.update(context=context, trunk=trunk, values={"admin_state_up": True}))
    deliver(lambda: ports.update(context=context, port=late, values={"admin_state_up": False}))
    assert not record(tmp_path, "ports", late)["admin_up"]
    deliver(lambda: trunks.remove_sub_ports(context=context, trunk=trunk, port_ids=[late.id]))
    assert {port.id for port in engine.l2.list_ports()} == {str(parent.id), str(part.id)}
    deliver(lambda: networks.update(context=context, network=other, values={"name": "renamed"}))
    assert record(tmp_path, "ports", part)["tag"] == 100
    policy = deliver(lambda: qos_policies.create(context=context, values={}))
    deliver(lambda: ports.update(context=context, port=part, values={"qos_policy_id": policy.id}))
    limit = {"max_kbps": 1000}
    deliver(lambda: qos_rules.create(context=context, policy=policy, kind="bandwidth_limit", values=limit))
    assert record(tmp_path, "ports", part)["qos"]["egress"] == SLOW
    assert healthy(engine)

    Port.objects.filter(id=part.id).update(status="ACTIVE")
    deliver(lambda: bindings.release_for_server(server_id=server))
    assert engine.l2.list_ports() == ()
    assert port_selectors.get(context=context, port_id=part.id).status == "DOWN"
    assert healthy(engine)
