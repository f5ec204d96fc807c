"""A host under OVN: the wait for a port that is up, cards that were left behind, cards that lost their place."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from deploy.ovn import datapath
from deploy.private.ovn import namespace
from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, guest
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network.base import NetworkDriver
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import PortSpec
from workers.drivers.network.errors import EngineUnavailable, NetworkUnavailable
from workers.drivers.network.ovn import guard

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]


def test_a_port_comes_up(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """In both orders: plugged before its row is written, and after."""
    network = engine_contract.network(80)
    one, two = engine_contract.port(network, 10), engine_contract.port(network, 11)
    engine.l2.ensure_ports(network, [one])
    with guest(host, one), guest(host, two):
        driver.wait_until_up({one.id: ()}, 20)
        with pytest.raises(NetworkUnavailable, match="in time") as caught:
            driver.wait_until_up({one.id: (), two.id: ()}, 0.2)
        assert caught.value.details == two.id
        writing = threading.Timer(0.1, lambda: engine.l2.ensure_ports(network, [two]))
        writing.start()
        driver.wait_until_up({two.id: (), one.id: ()}, 20)
        writing.join()
        assert {port.id for port in driver.list_ports()} == {one.id, two.id}
        assert {port.mac for port in driver.list_ports()} == {one.mac, two.mac}
    assert driver.list_ports() == ()
    with pytest.raises(NetworkUnavailable):
        driver.wait_until_up({one.id: ()}, 0.1)


def test_a_port_that_is_administratively_down(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """It delays no boot, and passes no traffic."""
    network = engine_contract.network(83)
    one, two = engine_contract.port(network, 10, admin_up=False), engine_contract.port(network, 11)
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        driver.wait_until_up({one.id: (), two.id: ()}, 20)
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
            driver.wait_until_up({port.id: ()}, 0.1)
        host.restart("ovsdb")
        engine.l2.ensure_ports(network, [port])
        driver.wait_until_up({port.id: ()}, 30)


def test_offloads_of_guests(driver: NetworkDriver, host: Host) -> None:
    """Where the user-space datapath does not take large segments whole, cards do not send any."""
    assert driver.guest_offloads()
    for value in ("false", "true"):
        host.vsctl("--no-wait", "set", "Open_vSwitch", ".", f"other_config:userspace-tso-enable={value}")
        assert driver.guest_offloads() is (value == "true")
    assert driver.tunnels_take_offloads() is (datapath.version() >= datapath.TUNNEL_OFFLOADS)


def test_cards_that_were_left_behind(driver: NetworkDriver, host: Host) -> None:
    gone, unplugged = samples.new_id(), samples.new_id()
    for name, port_id in (("cly-tgone", gone), ("cly-tleft", unplugged)):
        host.vsctl(
            "--no-wait", "add-port", "br-int", name, "--", "set", "Interface", name, f"external_ids:iface-id={port_id}"
        )
    driver.unplug(unplugged)
    driver.unplug(unplugged)
    assert [port.id for port in driver.list_ports()] == [gone]
    assert driver.residue(remove=False) == ("card cly-tgone",)
    assert driver.residue(remove=True) == ("card cly-tgone",)
    assert driver.residue(remove=True) == ()
    assert driver.list_ports() == ()
    assert "br-ex" in host.vsctl("list-br").split()


def test_a_card_that_lost_its_place(driver: NetworkDriver, host: Host) -> None:
    port = samples.port(samples.network(82), tap=f"clyt{os.getpid()}")
    driver.plug(port)  # no tap yet: nothing to plug
    assert driver.list_ports() == ()
    assert driver.faults([port]) == {port.id: "not plugged"}
    subprocess.run(["ip", "tuntap", "add", port.tap, "mode", "tap"], check=True)
    subprocess.run(["ip", "link", "set", port.tap, "up"], check=True)
    try:
        for _ in range(2):
            driver.plug(port)
            assert [(item.id, item.tap, item.mac) for item in driver.list_ports()] == [(port.id, port.tap, port.mac)]
            assert driver.faults([port]) == {port.id: "not programmed"}  # no engine knows it
        assert port.tap in guard.taps()
        driver.unplug(port.id)
        assert port.tap not in guard.taps()
        guard.ensure({port.tap: ()})
    finally:
        driver.unplug(port.id)
        subprocess.run(["ip", "link", "del", port.tap], check=True)
    assert driver.residue(remove=True) == ()
    assert port.tap not in guard.taps()


def test_a_tap_moves_from_a_bridge_of_the_kernel(driver: NetworkDriver, host: Host) -> None:
    """So do guests that ran before their cloud had OVN."""
    port = samples.port(samples.network(84), tap=f"clyt{os.getpid()}")
    run = functools.partial(subprocess.run, check=True, capture_output=True, text=True)
    run(["ip", "link", "add", "clybridge", "type", "bridge"])
    run(["ip", "tuntap", "add", port.tap, "mode", "tap"])
    run(["ip", "link", "set", port.tap, "master", "clybridge", "up"])
    try:
        driver.plug(port)
        assert "clybridge" not in run(["ip", "link", "show", "dev", port.tap]).stdout
        assert [(item.id, item.tap) for item in driver.list_ports()] == [(port.id, port.tap)]
    finally:
        driver.unplug(port.id)
        run(["ip", "link", "del", port.tap])
        run(["ip", "link", "del", "clybridge"])


def test_no_guest_is_a_router_of_ipv6(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """OVN passes its advertisements, even one of another guest's with the port security off; the tap does not."""
    network = engine_contract.network(85)
    one, two = (engine_contract.port(network, 10 + n, port_security=False) for n in range(2))
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second, link(first) as sender, link(second) as receiver:
        wait_for(lambda: {port.up for port in engine.l2.list_ports()} == {True}, what="ports that are up")
        wait_for(lambda: arrives(sender, receiver, one, ADVERTISEMENT), what="an advertisement, without a guard")
        driver.wait_until_up({one.id: (), two.id: ()}, 20)
        assert arrives(sender, receiver, one, ECHO)
        assert not arrives(sender, receiver, one, ADVERTISEMENT)
        assert arrives(sender, receiver, one, ECHO)


ADVERTISEMENT, ECHO = 134, 128


@contextmanager
def link(of: Guest) -> Iterator[socket.socket]:
    """Raw frames of a guest's card."""
    with open(f"/run/netns/{of.netns}") as inside, namespace(inside.fileno()):
        frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
        frames.bind(("eth0", 0x86DD))
    frames.settimeout(0.5)
    with frames:
        yield frames


def arrives(sender: socket.socket, receiver: socket.socket, of: PortSpec, kind: int) -> bool:
    """Send a message of ICMPv6 to all nodes, and say whether it comes."""
    source, to = (ipaddress.IPv6Address(text).packed for text in ("fe80::7", "ff02::1"))
    serial = os.urandom(12)
    body = struct.pack("!BBH", kind, 0, 0) + serial
    words = struct.unpack("!28H", source + to + struct.pack("!II", len(body), 58) + body)
    total = sum(words)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    mac = bytes.fromhex(of.mac.replace(":", ""))
    header = bytes.fromhex("333300000001") + mac + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(body), 58, 255)
    sender.send(header + source + to + struct.pack("!BBH", kind, 0, checksum) + serial)
    with suppress(TimeoutError):
        while serial not in receiver.recv(2000):
            continue
        return True
    return False
