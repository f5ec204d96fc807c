"""Switched networks on real OVN daemons: the contract, and guests that speak DHCP, DNS, ICMP and TCP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import echo_server, guest
from tests.unit.drivers import engine_contract
from tests.unit.drivers.engine_contract import EngineContract
from tests.unit.drivers.rules_contract import RulesContract
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import PortSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]


def wait_until_up(engine: NetworkEngine, *ports: PortSpec) -> None:
    wanted = [port.id for port in ports]
    wait_for(lambda: all(port.up for port in engine.l2.port_states(wanted)), what="ports that are up")


class TestContract(EngineContract):
    """See EngineContract."""


class TestRules(RulesContract):
    """See RulesContract."""


def test_two_guests(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    network = engine_contract.network(60, domain="example.test")
    one, two = (engine_contract.port(network, 10 + n, hostname=f"vm{n}", host=host.name) for n in range(2))
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        lease = first.lease(tmp_path)
        assert lease["ip"] == "10.77.60.10"
        assert (lease["router"], lease["dns"], lease["domain"]) == ("10.77.60.1", "10.77.0.53", "example.test")
        assert (lease["mtu"], lease["mask"], lease["hostname"]) == ("1442", "24", "vm0")
        assert second.lease(tmp_path)["ip"] == "10.77.60.11"
        assert first.pings("10.77.60.11")
        data = bytes(range(256)) * 4096
        with echo_server(second):
            assert first.sends("10.77.60.11", data) == data
