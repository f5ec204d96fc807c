"""Port forwardings on real OVN daemons: traffic from outside and from the router's other networks, TCP and UDP."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, echo_server, guest, udp_echo_server
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l3 import FloatingIPSpec, ForwardingSpec, RouterSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
DATA = bytes(range(256)) * 1024


def test_packets_to_forwarded_ports(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    """Two guests behind one address; a forwarding that moves, and one that goes."""
    red, blue, outside = engine_contract.network(84), engine_contract.network(85), engine_contract.external()
    one, two, three = engine_contract.port(red), engine_contract.port(blue), engine_contract.port(blue, 11)
    way_out = engine_contract.gateway(outside, hosts=(host.name,))
    router = RouterSpec(samples.new_id(), (engine_contract.foot(red), engine_contract.foot(blue)), way_out)
    engine.l2.ensure_network(outside)
    engine.l2.ensure_ports(red, [one])
    engine.l2.ensure_ports(blue, [two, three])
    engine.l3.ensure_router(router)
    world = Guest(host.name)
    first_port = ForwardingSpec("tcp", 8001, "10.77.84.10", 7777)
    second_port = ForwardingSpec("tcp", 8002, "10.77.85.10", 7777)
    datagrams = ForwardingSpec("udp", 53, "10.77.85.10", 7779)
    floating = FloatingIPSpec(
        samples.new_id(), router.id, "198.18.9.60", forwardings=(first_port, second_port, datagrams),
        network_ids=(red.id, blue.id),
    )  # fmt: skip
    with guest(host, one) as first, guest(host, two) as second, guest(host, three) as third:
        wait_until_up(engine, one, two, three)
        for item in (first, second, third):
            item.lease(tmp_path)
        with echo_server(first, greeting=b"1"), echo_server(second, greeting=b"2"), udp_echo_server(second, 7779):
            engine.l3.ensure_floating_ips([floating])
            wait_for(lambda: world.connects(floating.ip, 8001), what="a forwarded port")
            for who in (world, third):  # from outside, and from a network of the router
                assert who.sends(floating.ip, DATA, 8001) == b"1" + DATA
                assert who.sends(floating.ip, DATA, 8002) == b"2" + DATA
                assert who.sends_datagram(floating.ip, b"ping", 53) == b"ping"
            assert not world.connects(floating.ip, 8003)

            moved = dataclasses.replace(first_port, fixed_ip="10.77.85.10")
            engine.l3.ensure_floating_ips([dataclasses.replace(floating, forwardings=(moved,))])
            wait_for(lambda: not world.connects(floating.ip, 8002), what="a forwarding that is gone")
            assert world.sends(floating.ip, b"x", 8001) == b"2x"
            engine.l3.remove_floating_ips([floating.id])
            wait_for(lambda: not world.connects(floating.ip, 8001), what="no forwarding")
