"""What every network engine must do. A subclass gives `engine`, which is empty."""

from __future__ import annotations

import dataclasses
import itertools
import queue
from typing import Any

import pytest

from tests.unit.drivers import samples
from workers.drivers.network.base import FixedIP, SubnetSpec
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine, NetworkPorts
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec, PortState
from workers.drivers.network.errors import PortInvalid

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


def cloud(*networks: tuple[NetworkSpec, tuple[PortSpec, ...]]) -> CloudSpec:
    return CloudSpec(tuple(NetworkPorts(one, ports) for one, ports in networks))


def ids(ports: tuple[PortState, ...]) -> list[str]:
    return [item.id for item in ports]


def hear(heard: queue.Queue[PortState], of: PortSpec) -> None:
    """Wait until a port is heard of; a port may be heard of more than once."""
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
