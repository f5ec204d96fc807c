"""Trunks on real OVN daemons: a guest with one card is in two networks, and frames of other tags lead nowhere."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, echo_server, guest, vlan_card
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract
from workers.drivers.network.base import NetworkDriver
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import PortSpec
from workers.drivers.network.ovn import guard

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


ROUTER_SOLICITATION = "58 133"
# Sends router advertisements to all, of a MAC: plain, behind a header of destination options, and a neighbour
# advertisement, whose type nobody drops. The checksum of the first two does not matter to a filter.
ADVERTISE = """
import socket, sys
mac = bytes.fromhex(sys.argv[1])
source = bytes.fromhex("fe80000000000000") + bytes([mac[0] ^ 2]) + mac[1:3] + b"\\xff\\xfe" + mac[3:]
target = bytes.fromhex("ff02") + bytes(13) + b"\\x01"
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
hidden = bytes([58, 0, 1, 4, 0, 0, 0, 0])
for header, body in ((58, bytes([134, 0]) + bytes(14)), (60, hidden + bytes([134, 0]) + bytes(14)),
                     (58, bytes([128, 0]) + bytes(22))):
    packet = b"\\x60\\0\\0\\0" + len(body).to_bytes(2, "big") + bytes([header, 255]) + source + target + body
    s.send(bytes.fromhex("333300000001") + mac + b"\\x86\\xdd" + packet)
"""
# Prints the next header and the type of each packet of ICMPv6 that arrives with a tag; 128 ends it.
HEAR = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(("eth0", 3)); s.settimeout(10)
s.setsockopt(263, 8, 1)
print("ready", flush=True)
while True:
    data, extra, _, sender = s.recvmsg(4096, 64)
    tagged = extra and extra[0][2][0] & 16
    if sender[2] != 4 and tagged and data[12:14] == b"\\x86\\xdd" and data[20] in (58, 60):
        print(data[20], data[54 if data[20] == 58 else 62], flush=True)
        if data[54] == 128:
            break
"""


@contextmanager
def hearing(of: Guest) -> Iterator[subprocess.Popen[str]]:
    command = ["ip", "netns", "exec", of.netns, "python3", "-c", HEAR]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def advertise(of: Guest, port: PortSpec) -> None:
    done = of.run("python3", "-c", ADVERTISE, port.mac.replace(":", ""))
    assert done.returncode == 0, done.stderr


@pytest.mark.heavy  # a packet can be lost while a loaded machine programs its flows
def test_advertisements_with_a_tag(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """A guest hears the routers that its tap admits and no other guest, on a subport as on its own network."""
    red, blue, router = engine_contract.network(90), engine_contract.network(91), "fa:16:3e:7d:aa:01"
    parent = engine_contract.port(red, 10, port_security=False)
    other = engine_contract.port(blue, 11, port_security=False)
    part = engine_contract.port(blue, 10, port_security=False, parent=parent.id, tag=100)
    engine.l2.ensure_ports(red, [parent])
    engine.l2.ensure_ports(blue, [part, other])
    with guest(host, parent) as inside, guest(host, other) as sender:
        wait_until_up(engine, parent, part, other)
        for admitted, heard in (((other.mac,), ["58 134"]), ((), []), ((router,), [])):
            driver.wait_until_up({parent.id: admitted, other.id: ()}, 20)
            assert guard.taps()[inside.netns] == set(admitted)
            with hearing(inside) as process:
                advertise(sender, other)
                assert process.stdout is not None
                lines = [line for line in process.stdout.read().splitlines() if line != ROUTER_SOLICITATION]
            assert lines == [*heard, "58 128"], admitted
