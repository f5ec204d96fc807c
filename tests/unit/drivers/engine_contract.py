"""What every network engine must do. A subclass gives `engine`, which is empty."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
import queue
from typing import Any

import pytest

from tests.unit.drivers import samples
from workers.drivers.network.base import FixedIP, HostRoute, SubnetSpec
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine, NetworkPorts
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec, PortState
from workers.drivers.network.base.l3 import FloatingIPSpec, ForwardingSpec, RouterGateway, RouterInterface, RouterSpec
from workers.drivers.network.base.qos import Limit, QosSpec
from workers.drivers.network.errors import EngineUnavailable, PortInvalid

_serial = itertools.count(1)
DEADLINE_S = 20


def network(number: int = 50, **changes: Any) -> NetworkSpec:
    """A network with the range 10.77.<number>.0/24."""
    subnet = SubnetSpec(samples.new_id(), f"10.77.{number}.0/24", f"10.77.{number}.1", dns_nameservers=("10.77.0.53",))
    return NetworkSpec(**{"id": samples.new_id(), "subnets": (subnet,), **changes})


def port(of: NetworkSpec, last: int = 10, **changes: Any) -> PortSpec:
    """A port with the address that ends in `last` in the network's first subnet."""
    number = next(_serial)
    subnet = of.subnets[0]
    ip = subnet.cidr.split("/")[0].rsplit(".", 1)[0] + f".{last}"
    mac = f"fa:16:3e:7e:{number >> 8 & 255:02x}:{number & 255:02x}"
    return PortSpec(**{"id": samples.new_id(), "mac": mac, "fixed_ips": (FixedIP(subnet.id, ip),), **changes})


def cloud(*networks: tuple[NetworkSpec, tuple[PortSpec, ...]], **more: Any) -> CloudSpec:
    return CloudSpec(tuple(NetworkPorts(one, ports) for one, ports in networks), **more)


def external(**changes: Any) -> NetworkSpec:
    """The network 198.18.9.0/24 outside of the cloud, whose own gateway is .1."""
    subnet = SubnetSpec(samples.new_id(), "198.18.9.0/24", "198.18.9.1", dhcp_enabled=False)
    return NetworkSpec(samples.new_id(), subnets=(subnet,), physical_network="physnet1", **changes)


def foot(of: NetworkSpec, last: int = 1) -> RouterInterface:
    """A router's interface in a network's first subnet."""
    number = next(_serial)
    network = ipaddress.ip_network(of.subnets[0].cidr)
    mac = f"fa:16:3e:7f:{number >> 8 & 255:02x}:{number & 255:02x}"
    return RouterInterface(samples.new_id(), of.id, mac, (f"{network[last]}/{network.prefixlen}",))


def gateway(of: NetworkSpec, last: int = 10, **changes: Any) -> RouterGateway:
    """A router's gateway to an external network."""
    return RouterGateway(**{"interface": foot(of, last), "next_hops": (of.subnets[0].gateway_ip,), **changes})


def ids(ports: tuple[PortState, ...]) -> list[str]:
    return [item.id for item in ports]


def hear(heard: queue.Queue[PortState], of: PortSpec) -> None:
    """Wait until a port is reported, perhaps more than once."""
    while heard.get(timeout=DEADLINE_S).id != of.id:
        continue


class EngineContract:
    """Fixture: `engine`."""

    def test_a_network(self, engine: NetworkEngine) -> None:
        one = network()
        for _ in range(2):
            engine.l2.ensure_network(one)
            assert engine.l2.list_networks() == {one.id}
            assert engine.differences(cloud((one, ()))) == ()
        for _ in range(2):
            engine.l2.remove_networks([one.id])
            assert engine.differences(CloudSpec()) == ()

    def test_ports_bring_their_network(self, engine: NetworkEngine) -> None:
        one = network(domain="example.test")
        ports = (port(one, 10, hostname="web"), port(one, 11, hostname="db"), port(one, 12))
        for _ in range(2):
            engine.l2.ensure_ports(one, ports)
            assert ids(engine.l2.list_ports()) == sorted(item.id for item in ports)
            assert engine.differences(cloud((one, ports))) == ()
        assert ids(engine.l2.port_states([ports[1].id, samples.new_id()])) == [ports[1].id]
        for _ in range(2):
            engine.l2.remove_ports([ports[0].id, ports[1].id])
            assert ids(engine.l2.list_ports()) == [ports[2].id]
        assert engine.differences(cloud((one, ports[2:]))) == ()

    def test_what_changes_is_adjusted(self, engine: NetworkEngine) -> None:
        one = network(domain="example.test")
        before = port(one, 10, hostname="web", host="host-1")
        engine.l2.ensure_ports(one, [before])
        for changes in (
            {"fixed_ips": port(one, 77).fixed_ips},
            {"hostname": ""},
            {"hostname": "other"},
            {"host": "host-2"},
            {"admin_up": False},
            {"port_security": False},
        ):
            after = dataclasses.replace(before, **changes)
            assert engine.differences(cloud((one, (after,)))) != ()
            engine.l2.ensure_ports(one, [after])
            assert engine.differences(cloud((one, (after,)))) == ()

    def test_a_network_changes(self, engine: NetworkEngine) -> None:
        one = network()
        kept = port(one)
        engine.l2.ensure_ports(one, [kept])
        more = SubnetSpec(samples.new_id(), "10.78.0.0/24", "10.78.0.1")
        for changed in (
            dataclasses.replace(one, subnets=(*one.subnets, more), mtu=1400),
            dataclasses.replace(one, physical_network="physnet1", vlan=7),
            one,
        ):
            engine.l2.ensure_network(changed)
            assert engine.differences(cloud((changed, (kept,)))) == ()
        assert ids(engine.l2.list_ports()) == [kept.id]

    def test_networks_take_their_ports_along(self, engine: NetworkEngine) -> None:
        one, two = network(51), network(52)
        engine.l2.ensure_ports(one, [port(one, 10, hostname="web"), port(one, 11)])
        kept = port(two, 10, hostname="web")
        engine.l2.ensure_ports(two, [kept])
        engine.l2.remove_networks([one.id, samples.new_id()])
        assert engine.l2.list_networks() == {two.id}
        assert engine.differences(cloud((two, (kept,)))) == ()

    def test_ranges_overlap(self, engine: NetworkEngine) -> None:
        one, two = network(53), network(53)
        first, second = port(one, 10, hostname="web"), port(two, 10, hostname="web")
        engine.l2.ensure_ports(one, [first])
        engine.l2.ensure_ports(two, [second])
        assert engine.differences(cloud((one, (first,)), (two, (second,)))) == ()

    def test_a_port_that_does_not_fit(self, engine: NetworkEngine) -> None:
        one = network()
        engine.l2.ensure_network(one)
        outside = (FixedIP(one.subnets[0].id, "10.99.0.1"),)
        unknown = (FixedIP(samples.new_id(), "10.77.50.9"),)
        for fixed in (outside, unknown):
            with pytest.raises(PortInvalid):
                engine.l2.ensure_ports(one, [port(one, 10), port(one, 11, fixed_ips=fixed)])
        assert engine.l2.list_ports() == ()

    def test_what_is_absent(self, engine: NetworkEngine) -> None:
        engine.l2.remove_ports([samples.new_id()])
        engine.l2.remove_ports([])
        engine.l2.remove_networks([samples.new_id()])
        assert engine.l2.port_states([]) == ()
        assert engine.reconcile(CloudSpec()) == ()

    def test_reconcile(self, engine: NetworkEngine) -> None:
        one, two, stranger = network(54), network(55), network(56)
        ports = (port(one, 10, hostname="web"), port(one, 11))
        wanted = cloud((one, ports), (two, ()))
        engine.l2.ensure_ports(stranger, [port(stranger, 10, hostname="old")])
        engine.l2.ensure_ports(one, [dataclasses.replace(ports[0], hostname="wrong"), port(one, 99, hostname="gone")])
        told = engine.differences(wanted)
        assert told != ()
        assert engine.reconcile(wanted) == told
        assert engine.differences(wanted) == ()
        assert engine.reconcile(wanted) == ()
        assert engine.l2.list_networks() == {one.id, two.id}
        assert ids(engine.l2.list_ports()) == sorted(item.id for item in ports)

    def test_watch(self, engine: NetworkEngine) -> None:
        one = network()
        before, after, unheard = port(one, 10), port(one, 11), port(one, 12)
        engine.l2.ensure_ports(one, [before])
        heard: queue.Queue[PortState] = queue.Queue()
        stop = engine.watch(heard.put)
        try:
            hear(heard, before)
            engine.l2.ensure_ports(one, [after])
            hear(heard, after)
        finally:
            stop()
        engine.l2.ensure_ports(one, [unheard])
        assert unheard.id not in [item.id for item in list(heard.queue)]

    def test_a_router(self, engine: NetworkEngine) -> None:
        one, two, outside = network(57), network(58), external()
        nets = ((one, ()), (two, ()), (outside, ()))
        for item, _ in nets:
            engine.l2.ensure_network(item)
        bare = RouterSpec(samples.new_id())
        whole = RouterSpec(
            bare.id,
            (foot(one), foot(two)),
            gateway(outside, hosts=("host-1", "host-2")),
            (HostRoute("10.200.0.0/16", "10.77.57.9"),),
        )
        for router in (
            whole,
            whole,
            dataclasses.replace(whole, interfaces=whole.interfaces[1:], routes=()),
            dataclasses.replace(whole, gateway=None),
            dataclasses.replace(whole, gateway=gateway(outside, 11, snat=False)),
            dataclasses.replace(whole, admin_up=False),
            bare,
        ):
            engine.l3.ensure_router(router)
            assert engine.differences(cloud(*nets, routers=(router,))) == ()
            assert engine.l3.list_routers() == {bare.id}
        engine.l3.ensure_router(whole)
        for _ in range(2):
            engine.l3.remove_routers([bare.id])
            assert engine.differences(cloud(*nets)) == ()

    def test_a_router_without_its_network(self, engine: NetworkEngine) -> None:
        with pytest.raises(EngineUnavailable):
            engine.l3.ensure_router(RouterSpec(samples.new_id(), (foot(network()),)))
        assert engine.differences(CloudSpec()) == ()

    def test_floating_ips(self, engine: NetworkEngine) -> None:
        one, outside = network(59), external()
        nets = ((one, ()), (outside, ()))
        routers = tuple(RouterSpec(samples.new_id(), (), gateway(outside, 10 + n)) for n in range(2))
        for item, _ in nets:
            engine.l2.ensure_network(item)
        floating = FloatingIPSpec(samples.new_id(), routers[0].id, "198.18.9.50", "10.77.59.10")
        with pytest.raises(EngineUnavailable):
            engine.l3.ensure_floating_ips([floating])
        for router in routers:
            engine.l3.ensure_router(router)
        for changed in (
            floating,
            floating,
            dataclasses.replace(floating, fixed_ip="10.77.59.11"),
            dataclasses.replace(floating, router_id=routers[1].id),
        ):
            engine.l3.ensure_floating_ips([changed])
            assert engine.differences(cloud(*nets, routers=routers, floating_ips=(changed,))) == ()
            assert engine.l3.list_floating_ips() == {floating.id}
        engine.l3.ensure_router(routers[1])
        assert engine.l3.list_floating_ips() == {floating.id}
        for _ in range(2):
            engine.l3.remove_floating_ips([floating.id])
            assert engine.differences(cloud(*nets, routers=routers)) == ()
        engine.l3.ensure_floating_ips([floating])
        engine.l3.remove_routers([routers[0].id])
        assert engine.l3.list_floating_ips() == frozenset()

    def test_port_forwardings(self, engine: NetworkEngine) -> None:
        one, two, outside = network(59), network(61), external()
        nets = ((one, ()), (two, ()), (outside, ()))
        router = RouterSpec(samples.new_id(), (foot(one), foot(two)), gateway(outside))
        for item, _ in nets:
            engine.l2.ensure_network(item)
        engine.l3.ensure_router(router)
        web = ForwardingSpec("tcp", 8080, "10.77.59.10", 80)
        names = ForwardingSpec("udp", 53, "10.77.61.10", 53)
        whole = FloatingIPSpec(
            samples.new_id(), router.id, "198.18.9.51", forwardings=(web, names), network_ids=(one.id, two.id)
        )
        for changed in (
            whole,
            whole,
            dataclasses.replace(whole, forwardings=(web,)),
            dataclasses.replace(whole, forwardings=(dataclasses.replace(web, fixed_port=81), names)),
            dataclasses.replace(whole, network_ids=(one.id,)),
            dataclasses.replace(whole, forwardings=(), fixed_ip="10.77.59.10"),
            whole,
        ):
            engine.l3.ensure_floating_ips([changed])
            assert engine.differences(cloud(*nets, routers=(router,), floating_ips=(changed,))) == ()
            assert engine.l3.list_floating_ips() == {whole.id}
        engine.l3.ensure_router(router)
        assert engine.l3.list_floating_ips() == {whole.id}
        for _ in range(2):
            engine.l3.remove_floating_ips([whole.id])
            assert engine.differences(cloud(*nets, routers=(router,))) == ()
        engine.l3.ensure_floating_ips([whole])
        engine.l3.remove_routers([router.id])
        assert engine.differences(cloud(*nets)) == ()

    def test_limits(self, engine: NetworkEngine) -> None:
        one, outside = network(62), external()
        limits = (
            QosSpec(egress=Limit(1000), ingress=Limit(2000, 500)),
            QosSpec(egress=Limit(1000), dscp=26),
            QosSpec(dscp=8),
            None,
        )
        card, way_out = port(one), gateway(outside)
        router = RouterSpec(samples.new_id(), (foot(one),), way_out)
        place = (outside.id, way_out.interface.port_id)
        floating = FloatingIPSpec(samples.new_id(), router.id, "198.18.9.52", "10.77.62.10", gateway=place)
        engine.l2.ensure_network(outside)
        for qos in limits:
            limited = dataclasses.replace(card, qos=qos)
            led = dataclasses.replace(floating, qos=qos)
            routed = dataclasses.replace(router, gateway=dataclasses.replace(way_out, qos=qos))
            engine.l2.ensure_ports(one, [limited])
            engine.l3.ensure_router(routed)
            engine.l3.ensure_floating_ips([led])
            nets = ((one, (limited,)), (outside, ()))
            assert engine.differences(cloud(*nets, routers=(routed,), floating_ips=(led,))) == ()
        whole = QosSpec(egress=Limit(1000), ingress=Limit(1000))
        engine.l2.ensure_ports(one, [dataclasses.replace(card, qos=whole)])
        engine.l3.ensure_floating_ips([dataclasses.replace(floating, qos=whole)])
        engine.l3.ensure_router(dataclasses.replace(router, gateway=dataclasses.replace(way_out, qos=whole)))
        engine.l3.remove_routers([router.id])
        engine.l2.remove_ports([card.id])
        assert engine.differences(cloud((one, ()), (outside, ()))) == ()

    def test_subports(self, engine: NetworkEngine) -> None:
        one, two = network(63), network(64)
        parent, part = port(one), port(two)
        engine.l2.ensure_ports(one, [parent])
        for changed in (
            dataclasses.replace(part, parent=parent.id, tag=100),
            dataclasses.replace(part, parent=parent.id, tag=101, admin_up=False),
            part,
            dataclasses.replace(part, parent=parent.id, tag=7),
        ):
            engine.l2.ensure_ports(two, [changed])
            assert engine.differences(cloud((one, (parent,)), (two, (changed,)))) == ()
        engine.l2.remove_ports([part.id])
        assert engine.differences(cloud((one, (parent,)), (two, ()))) == ()

    def test_reconcile_routers(self, engine: NetworkEngine) -> None:
        one, outside = network(60), external()
        router = RouterSpec(samples.new_id(), (foot(one),), gateway(outside))
        floating = FloatingIPSpec(samples.new_id(), router.id, "198.18.9.50", "10.77.60.10")
        wanted = cloud((one, ()), (outside, ()), routers=(router,), floating_ips=(floating,))
        assert engine.reconcile(wanted) != ()
        assert engine.reconcile(wanted) == ()
        engine.l3.remove_routers([router.id])
        assert engine.reconcile(wanted) != ()
        assert engine.differences(wanted) == ()
        assert engine.reconcile(CloudSpec()) != ()
        assert engine.l3.list_routers() == frozenset()
