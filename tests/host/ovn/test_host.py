"""A host under OVN: the wait for a port that is up, cards that were left behind, cards that lost their place."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import guest
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network import loader
from workers.drivers.network.base import NetworkDriver
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.errors import EngineUnavailable, NetworkUnavailable

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]


@pytest.fixture
def driver(host: Host) -> Iterator[NetworkDriver]:
    driver = loader.load("ovn", {"switch": host.database})
    yield driver
    driver.close()


def test_a_port_comes_up(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """In both orders: plugged before its row is written, and after."""
    network = engine_contract.network(80)
    one, two = engine_contract.port(network, 10), engine_contract.port(network, 11)
    engine.l2.ensure_ports(network, [one])
    with guest(host, one), guest(host, two):
        driver.wait_until_up([one.id], 20)
        with pytest.raises(NetworkUnavailable, match="in time") as caught:
            driver.wait_until_up([one.id, two.id], 0.2)
        assert caught.value.details == two.id
        writing = threading.Timer(0.1, lambda: engine.l2.ensure_ports(network, [two]))
        writing.start()
        driver.wait_until_up([two.id, one.id], 20)
        writing.join()
        assert {port.id for port in driver.list_ports()} == {one.id, two.id}
        assert {port.mac for port in driver.list_ports()} == {one.mac, two.mac}
    assert driver.list_ports() == ()
    with pytest.raises(NetworkUnavailable):
        driver.wait_until_up([one.id], 0.1)


def test_a_port_that_is_administratively_down(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """It delays no boot, and passes no traffic."""
    network = engine_contract.network(83)
    one, two = engine_contract.port(network, 10, admin_up=False), engine_contract.port(network, 11)
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        driver.wait_until_up([one.id, two.id], 20)
        for of, address in ((first, "10.77.83.10/24"), (second, "10.77.83.11/24")):
            of.run("ip", "addr", "add", address, "dev", "eth0")
        assert not first.pings("10.77.83.11")
        engine.l2.ensure_ports(network, [dataclasses.replace(one, admin_up=True)])
        wait_for(lambda: first.pings("10.77.83.11"), what="a port that is up again")


def test_the_switch_dies(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """A wait outlives a restart of the host's database."""
    network = engine_contract.network(81)
    port = engine_contract.port(network)
    with guest(host, port):
        host.kill("ovsdb")
        with pytest.raises(EngineUnavailable):
            driver.list_ports()
        with pytest.raises(NetworkUnavailable):
            driver.wait_until_up([port.id], 0.1)
        host.restart("ovsdb")
        engine.l2.ensure_ports(network, [port])
        driver.wait_until_up([port.id], 30)


def test_cards_that_were_left_behind(driver: NetworkDriver, host: Host) -> None:
    gone, unplugged = samples.new_id(), samples.new_id()
    for name, port_id in (("cly-tgone", gone), ("cly-tleft", unplugged)):
        host.vsctl(
            "--no-wait", "add-port", "br-int", name, "--", "set", "Interface", name, f"external_ids:iface-id={port_id}"
        )
    driver.unplug("", unplugged)
    driver.unplug("", unplugged)
    assert [port.id for port in driver.list_ports()] == [gone]
    assert driver.residue(remove=False) == ("card cly-tgone",)
    assert driver.residue(remove=True) == ("card cly-tgone",)
    assert driver.residue(remove=True) == ()
    assert driver.list_ports() == ()
    assert "br-ex" in host.vsctl("list-br").split()


def test_a_card_that_lost_its_place(driver: NetworkDriver, host: Host) -> None:
    network = samples.network(82)
    port = samples.port(network, tap=f"cly-t{os.getpid()}")
    driver.plug(network, port)  # no tap yet: nothing to plug
    assert driver.list_ports() == ()
    assert driver.faults(network, [port]) == (f"port {port.id} is not plugged",)
    subprocess.run(["ip", "tuntap", "add", port.tap, "mode", "tap"], check=True)
    try:
        for _ in range(2):
            driver.plug(network, port)
            assert [(item.id, item.tap, item.mac) for item in driver.list_ports()] == [(port.id, port.tap, port.mac)]
        # The tap is in another namespace than the switch of this test, which cannot open it.
        wait_for(lambda: "could not" in "".join(driver.faults(network, [port])), what="the card's error")
    finally:
        driver.unplug(network.id, port.id)
        subprocess.run(["ip", "link", "del", port.tap], check=True)
