"""Trunks on real OVN daemons: a guest with one card is in two networks, and frames of other tags lead nowhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import echo_server, guest, vlan_card
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract
from workers.drivers.network.base.engine import NetworkEngine

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
DATA = bytes(range(256)) * 1024


def test_packets_of_a_subport(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    red, blue = engine_contract.network(88), engine_contract.network(89)
    parent, neighbour = engine_contract.port(red, 10), engine_contract.port(blue, 11)
    part = engine_contract.port(blue, 10, parent=parent.id, tag=100)
    engine.l2.ensure_ports(red, [parent])
    engine.l2.ensure_ports(blue, [part, neighbour])
    with guest(host, parent) as inside, guest(host, neighbour) as other:
        wait_until_up(engine, parent, part, neighbour)
        assert inside.lease(tmp_path)["ip"] == "10.77.88.10"
        other.lease(tmp_path)
        with vlan_card(inside, 100, part.mac), echo_server(other), echo_server(inside):
            assert inside.lease(tmp_path, card="eth0.100")["ip"] == "10.77.89.10"
            assert inside.sends("10.77.89.11", DATA) == DATA
            assert other.sends("10.77.89.10", DATA) == DATA
            engine.l2.ensure_ports(blue, [dataclasses.replace(part, tag=101)])
            wait_for(lambda: not other.pings("10.77.89.10"), what="frames of another tag are dropped")
