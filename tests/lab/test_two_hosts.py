"""Guests on different hosts: on one network, through a router, to the world and in. TCP each time, not ping alone."""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.host.ovn_machine import address, cable, namespace
from tests.lab.cloud import Guest, LabCloud

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.slow]
PORT, MEGABYTES = 5001, 4
LISTEN = f"sleep 30 | nc -l -p {PORT}"  # at the end of its input, nc would hang up
WORLD = "198.18.250.9"


@dataclass(frozen=True)
class Guests:
    """`near` and `far` are on one network and two hosts, both with floating IPs; `other` is behind the router."""

    near: Guest
    far: Guest
    other: Guest


@pytest.fixture(scope="module")
def guests(lab_cloud: LabCloud) -> Iterator[Guests]:
    cloud = lab_cloud
    with cloud.machine.entered():
        router, group = cloud.router("way-out"), cloud.open_group("open")
        one = cloud.network("one", "10.9.1.0/24", router)
        two = cloud.network("two", "10.9.2.0/24", router)
        places = (("near", "compute-1", one), ("far", "compute-2", one), ("other", "compute-2", two))
        ordered = [cloud.order(name, host, network, group) for name, host, network in places]
        near, far, other = (cloud.active(server) for server in ordered)
        made = Guests(cloud.reachable(near), cloud.reachable(far), other)
        assert [guest.host for guest in (near, far, other)] == ["compute-1", "compute-2", "compute-2"]
    yield made
    with cloud.machine.entered():
        cloud.clear()


@pytest.fixture
def cloud(lab_cloud: LabCloud) -> Iterator[LabCloud]:
    with lab_cloud.machine.entered():
        yield lab_cloud


def send(cloud: LabCloud, source: Guest, target: Guest, by: Guest | None = None) -> None:
    """Send data from guest to guest over TCP, and compare digests: large segments and checksums are tried."""
    cloud.ssh(target, f"rm -f /tmp/received; {LISTEN} | sha256sum > /tmp/received & sleep 0.2; true", by=by)
    data = f"dd if=/dev/urandom of=/tmp/data bs=1M count={MEGABYTES} 2>/dev/null; sha256sum < /tmp/data"
    sent = cloud.ssh(source, f"{data}; nc -w 20 {target.address} {PORT} < /tmp/data")
    received = cloud.ssh(target, "while [ ! -s /tmp/received ]; do sleep 0.1; done; cat /tmp/received", by=by)
    assert sent and received == sent


def test_one_network_on_two_hosts(cloud: LabCloud, guests: Guests) -> None:
    cloud.ssh(guests.near, f"ping -c 2 -W 3 {guests.far.address}")
    cloud.ssh(guests.far, f"ping -c 2 -W 3 {guests.near.address}")
    send(cloud, guests.near, guests.far)
    send(cloud, guests.far, guests.near)


def test_two_networks_through_a_router(cloud: LabCloud, guests: Guests) -> None:
    cloud.ssh(guests.near, f"ping -c 2 -W 3 {guests.other.address}")
    send(cloud, guests.near, guests.other, by=guests.near)


def test_out_through_the_router(cloud: LabCloud, guests: Guests) -> None:
    """A guest without a floating IP reaches the world beyond this machine, and not the hosts' management network."""
    with namespace() as world, cloud.machine.entered():
        cable("to-world", world, "far")
        address("to-world", "198.18.250.1/24")
        with namespace(world):
            address("far", f"{WORLD}/24")
            server = socket.create_server((WORLD, PORT))
        asks = cloud.command(guests.other, f"nc -w 10 {WORLD} {PORT}", by=guests.near)
        with server, subprocess.Popen(asks, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as asking:
            server.settimeout(30)
            connection, (client, _) = server.accept()
            with connection:
                connection.sendall(b"the world")
            assert asking.communicate(timeout=30)[0] == b"the world"
        assert client == "198.18.250.1"  # masqueraded: the world knows no address of the lab
        first = cloud.lab.plan.first.management.ip
        assert cloud.ssh(guests.other, f"nc -w 3 {first} 8000 < /dev/null", by=guests.near, check=False) is None
