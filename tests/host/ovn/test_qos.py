"""Limits and marks of traffic on real OVN daemons, in the userspace datapath: what is beyond a rate does not arrive."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import EXTERNAL_ADDRESS, Host
from tests.host.ovn.guests import Guest, guest, sink, tos_mirror
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l3 import FloatingIPSpec, RouterSpec
from workers.drivers.network.base.qos import Limit, QosSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
# 500 kB/s behind a burst of 128 kB: 500 kB last 0.74 s at least, and without a limit some milliseconds.
SLOW, SIZE, LEAST_SECONDS = Limit(4000, 1024), 500_000, 0.7


def is_slow(sender: Guest, address: str) -> bool:
    return sender.seconds_to_send(address, SIZE) >= LEAST_SECONDS


def test_limits_and_marks_of_a_port(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    network = engine_contract.network(86)
    one, two = engine_contract.port(network, 10), engine_contract.port(network, 11)
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second, sink(first), sink(second), tos_mirror(second, 7779):
        wait_until_up(engine, one, two)
        first.lease(tmp_path)
        second.lease(tmp_path)
        assert first.sends_datagram("10.77.86.11", b"?", 7779) == b"\0"
        for qos, sender, address in (
            (QosSpec(egress=SLOW, dscp=26), first, "10.77.86.11"),
            (QosSpec(ingress=SLOW), second, "10.77.86.10"),
        ):
            engine.l2.ensure_ports(network, [dataclasses.replace(one, qos=qos)])
            wait_for(lambda: is_slow(sender, address), what="a limit")  # noqa: B023
            if qos.dscp is not None:
                assert first.sends_datagram("10.77.86.11", b"?", 7779) == bytes([qos.dscp << 2])
        engine.l2.ensure_ports(network, [one])
        wait_for(lambda: not is_slow(second, "10.77.86.10"), what="no limit")


def test_limits_outside(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    """Of a router's gateway, and of a floating IP, which goes before it."""
    network, outside, world = engine_contract.network(87), engine_contract.external(), Guest(host.name)
    port = engine_contract.port(network)
    way_out = engine_contract.gateway(outside, hosts=(host.name,))
    router = RouterSpec(samples.new_id(), (engine_contract.foot(network),), way_out)
    floating = FloatingIPSpec(samples.new_id(), router.id, "198.18.9.70", "10.77.87.10")
    place = (outside.id, way_out.interface.port_id)
    engine.l2.ensure_network(outside)
    engine.l2.ensure_ports(network, [port])
    engine.l3.ensure_router(router)
    with guest(host, port) as inside, sink(inside), sink(world):
        wait_until_up(engine, port)
        inside.lease(tmp_path)
        wait_for(lambda: inside.pings(EXTERNAL_ADDRESS), what="the world outside")
        limited = dataclasses.replace(router, gateway=dataclasses.replace(way_out, qos=QosSpec(egress=SLOW)))
        engine.l3.ensure_router(limited)
        wait_for(lambda: is_slow(inside, EXTERNAL_ADDRESS), what="a gateway's limit")
        fast = QosSpec(egress=Limit(1_000_000), ingress=SLOW)
        engine.l3.ensure_floating_ips([dataclasses.replace(floating, qos=fast, gateway=place)])
        wait_for(lambda: world.pings(floating.ip), what="a floating IP")
        wait_for(lambda: is_slow(world, floating.ip), what="a floating IP's limit")
        wait_for(lambda: not is_slow(inside, EXTERNAL_ADDRESS), what="the floating IP's own limit")
