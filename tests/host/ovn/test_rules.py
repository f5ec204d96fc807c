"""Security groups on real OVN daemons: closed without a rule, opened, closed again under traffic; no false DHCP."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, echo_server, guest
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract, samples
from tests.unit.drivers.rules_contract import OUT, PING
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.rules import TCP, GroupSpec, RuleSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
ECHO = RuleSpec("ingress", protocol=TCP, low=7777, high=7777)
DATA = b"data" * 1000
STREAM = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 7779), timeout=10)
s.settimeout(2)
while True:
    s.sendall(b'x'); assert s.recv(1) == b'x'; print('.', flush=True); time.sleep(0.02)
"""
STREAM_SERVER = """
import socket
s = socket.create_server(('', 7779)); print('ready', flush=True)
c, _ = s.accept()
while data := c.recv(1): c.sendall(data)
"""


def reaches(of: Guest, address: str) -> bool:
    try:
        return of.sends(address, DATA) == DATA
    except subprocess.CalledProcessError:
        return False


def test_a_group_opens_and_closes(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    network = engine_contract.network(92)
    closed, opened = GroupSpec(samples.new_id(), (OUT,)), GroupSpec(samples.new_id(), (OUT,))
    engine.rules.ensure_groups([closed, opened])
    one = engine_contract.port(network, 10, groups=(closed.id,))
    two = engine_contract.port(network, 11, groups=(opened.id,))
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        for item in (first, second):  # whatever the groups say
            assert item.lease(tmp_path)["ip"].startswith("10.77.92.")
        assert not first.pings("10.77.92.11")
        with echo_server(second):
            engine.rules.ensure_groups([dataclasses.replace(opened, rules=(OUT, PING))])
            wait_for(lambda: first.pings("10.77.92.11"), what="a ping that is allowed")
            assert not second.pings("10.77.92.10")
            assert second.run("busybox", "nc", "-w", "1", "10.77.92.10", "7777", "-e", "true").returncode != 0
            engine.rules.ensure_groups([dataclasses.replace(opened, rules=(OUT, ECHO))])
            wait_for(lambda: reaches(first, "10.77.92.11"), what="a port that is allowed")
            assert not first.pings("10.77.92.11")
            among = RuleSpec("ingress", protocol=TCP, low=7777, high=7777, remote_group=opened.id)
            engine.rules.ensure_groups([dataclasses.replace(opened, rules=(OUT, among))])
            connect = ("busybox", "nc", "-w", "1", "10.77.92.11", "7777", "-e", "true")
            wait_for(lambda: first.run(*connect).returncode != 0, what="a port that is members' alone")
            engine.l2.ensure_ports(network, [dataclasses.replace(one, groups=(closed.id, opened.id))])
            wait_for(lambda: reaches(first, "10.77.92.11"), what="a member of the group")


def test_an_established_connection_ends_with_its_rule(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    network = engine_contract.network(93)
    group = GroupSpec(samples.new_id(), (OUT, RuleSpec("ingress", protocol=TCP, low=7779, high=7779)))
    engine.rules.ensure_groups([group])
    one, two = (engine_contract.port(network, 10 + n, groups=(group.id,)) for n in range(2))
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        first.lease(tmp_path)
        second.lease(tmp_path)
        served = ["ip", "netns", "exec", second.netns, "python3", "-c", STREAM_SERVER]
        asked = ["ip", "netns", "exec", first.netns, "python3", "-c", STREAM, "10.77.93.11"]
        with subprocess.Popen(served, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            server.stdout.readline()
            with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
                assert client.stdout is not None
                assert [client.stdout.readline() for _ in range(10)] == [b".\n"] * 10
                engine.rules.ensure_groups([dataclasses.replace(group, rules=(OUT,))])
                assert client.wait(timeout=20) != 0
            server.kill()


def test_no_guest_is_a_dhcp_server(engine: NetworkEngine, host: Host, tmp_path: Path) -> None:
    """Its answers are dropped on their way, whatever its groups allow."""
    network = engine_contract.network(94)
    everything = GroupSpec(samples.new_id(), (OUT, RuleSpec("ingress")))
    engine.rules.ensure_groups([everything])
    one, two = (engine_contract.port(network, 10 + n, groups=(everything.id,)) for n in range(2))
    engine.l2.ensure_ports(network, [one, two])
    send = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', {source}))\n"
        "s.sendto(b'x' * 300, ('10.77.94.11', {to}))\n"
    )
    listen = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', {to})); s.settimeout(2)\n"
        "print('ready', flush=True)\n"
        "print(len(s.recv(400)))\n"
    )
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        first.lease(tmp_path)
        second.lease(tmp_path)
        assert first.pings("10.77.94.11")
        for source, to, arrives in ((67, 69, True), (67, 68, False)):
            argv = ["ip", "netns", "exec", second.netns, "python3", "-c", listen.format(to=to)]
            with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as listener:
                assert listener.stdout is not None
                listener.stdout.readline()
                assert first.run("python3", "-c", send.format(source=source, to=to)).returncode == 0
                assert (listener.stdout.readline() == b"300\n") == arrives
