"""Routers and floating IPs on real OVN daemons, with packets between guests, and to and from the world outside."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import EXTERNAL_ADDRESS, Host
from tests.host.ovn.guests import Guest, echo_server, guest, mirror
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l3 import FloatingIPSpec, RouterSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
DATA = bytes(range(256)) * 1024


@pytest.fixture
def world(host: Host) -> Guest:
    """The gateway of the external network: the host's own end of the external bridge."""
    return Guest(host.name)


def test_packets_through_a_router(engine: NetworkEngine, host: Host, world: Guest, tmp_path: Path) -> None:
    """Traffic between guests, out with the router's address, and in by a floating IP that is moved and removed."""
    red, blue = engine_contract.network(64), engine_contract.network(65)
    outside = engine_contract.external()
    one, two = engine_contract.port(red, hostname="vm1"), engine_contract.port(blue, hostname="vm2")
    way_out = engine_contract.gateway(outside, hosts=(host.name,))
    router = RouterSpec(samples.new_id(), (engine_contract.foot(red), engine_contract.foot(blue)), way_out)
    engine.l2.ensure_network(outside)
    engine.l2.ensure_ports(red, [one])
    engine.l2.ensure_ports(blue, [two])
    engine.l3.ensure_router(router)
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        first.lease(tmp_path)
        second.lease(tmp_path)
        assert first.pings("10.77.64.1")
        assert first.pings("10.77.65.10")
        with echo_server(second):
            assert first.sends("10.77.65.10", DATA) == DATA
        wait_for(lambda: first.pings(EXTERNAL_ADDRESS), what="the world outside")
        with mirror(world):
            assert first.sends(EXTERNAL_ADDRESS, b"", 7778) == b"198.18.9.10"

        floating = FloatingIPSpec(samples.new_id(), router.id, "198.18.9.50", "10.77.64.10")
        assert not world.pings(floating.ip)
        engine.l3.ensure_floating_ips([floating])
        wait_for(lambda: world.pings(floating.ip), what="a floating IP")
        with echo_server(first):
            assert world.sends(floating.ip, DATA) == DATA
        with mirror(world):
            assert first.sends(EXTERNAL_ADDRESS, b"", 7778) == floating.ip.encode()
            assert second.sends(EXTERNAL_ADDRESS, b"", 7778) == b"198.18.9.10"
            engine.l3.ensure_floating_ips([dataclasses.replace(floating, fixed_ip="10.77.65.10")])
            wait_for(
                lambda: second.sends(EXTERNAL_ADDRESS, b"", 7778) == floating.ip.encode(), what="the floating IP's move"
            )
        engine.l3.remove_floating_ips([floating.id])
        wait_for(lambda: not world.pings(floating.ip), what="no floating IP")

        down = dataclasses.replace(way_out, interface=dataclasses.replace(way_out.interface, admin_up=False))
        engine.l3.ensure_router(dataclasses.replace(router, gateway=down))
        wait_for(lambda: not first.pings(EXTERNAL_ADDRESS), what="an external network that is down")
        assert first.pings("10.77.65.10")
        engine.l2.ensure_ports(dataclasses.replace(red, admin_up=False), [one])
        wait_for(lambda: not first.pings("10.77.64.1"), what="a network that is down")


def test_names(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    """A guest asks for its neighbour's name, by its own subnet's gateway as the name server."""
    network = engine_contract.network(66, domain="example.test")
    subnet = dataclasses.replace(network.subnets[0], dns_nameservers=("10.77.66.1",))
    network = dataclasses.replace(network, subnets=(subnet,))
    one, two = engine_contract.port(network, 10, hostname="vm1"), engine_contract.port(network, 11, hostname="vm2")
    shop = engine_contract.port(network, 12, hostname="vm3", dns_name="www", dns_domain="shop.test")
    engine.l2.ensure_ports(network, [one, two, shop])
    engine.l3.ensure_router(RouterSpec(samples.new_id(), (engine_contract.foot(network),)))
    with guest(host, one) as first:
        wait_until_up(engine, one)
        first.lease(tmp_path)
        neighbour = socket.inet_aton("10.77.66.11")
        for name in ("vm2.example.test", "VM2"):
            assert first.asks("10.77.66.1", name).endswith(neighbour), name
        assert b"\x03vm2\x07example" in first.asks("10.77.66.1", "11.66.77.10.in-addr.arpa", pointer=True)
        for name in ("www", "www.shop.test"):
            assert first.asks("10.77.66.1", name).endswith(socket.inet_aton("10.77.66.12")), name
        assert b"\x03www\x04shop" in first.asks("10.77.66.1", "12.66.77.10.in-addr.arpa", pointer=True)
        assert not first.asks("10.77.66.1", "vm3.example.test")
        engine.l2.remove_ports([two.id])
        wait_for(lambda: not first.asks("10.77.66.1", "vm2.example.test"), what="a name that is gone")


def test_tenants_with_one_range_are_apart(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    """Neither a neighbour, nor the gateway, nor a name of the other tenant's is there."""
    mine, theirs = engine_contract.network(67), engine_contract.network(67)
    one, two = engine_contract.port(mine, 10, hostname="mine"), engine_contract.port(theirs, 10, hostname="theirs")
    other = engine_contract.port(theirs, 11)
    engine.l2.ensure_ports(mine, [one])
    engine.l2.ensure_ports(theirs, [two, other])
    engine.l3.ensure_router(RouterSpec(samples.new_id(), (engine_contract.foot(theirs),)))
    with guest(host, one) as first, guest(host, two) as second, guest(host, other) as third:
        wait_until_up(engine, one, two, other)
        for item in (first, second, third):
            item.lease(tmp_path)
        assert second.pings("10.77.67.1")
        assert second.pings("10.77.67.11")
        assert second.asks("10.77.67.1", "theirs").endswith(socket.inet_aton("10.77.67.10"))
        assert not first.pings("10.77.67.1")
        engine.l3.ensure_router(RouterSpec(samples.new_id(), (engine_contract.foot(mine),)))
        wait_for(lambda: first.pings("10.77.67.1"), what="an own gateway")
        assert first.asks("10.77.67.1", "mine").endswith(socket.inet_aton("10.77.67.10"))
        assert not first.asks("10.77.67.1", "theirs")
        assert not second.asks("10.77.67.1", "mine")
        assert not first.pings("10.77.67.11")
