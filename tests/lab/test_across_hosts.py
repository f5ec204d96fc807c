"""Guests on different hosts: on one network, through a router, to the world and in. TCP each time, not ping alone."""

import json
import socket
import subprocess

import pytest

from deploy.lab import machines
from deploy.private.ovn import namespace
from tests.cloud import wait_for
from tests.host.ovn_machine import address, cable
from tests.lab.cloud import Guests, LabCloud
from tests.lab.traffic import PORT, send

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.slow, pytest.mark.timeout(900)]
WORLD = "198.18.250.9"


def test_one_network_on_two_hosts(cloud: LabCloud, guests: Guests) -> None:
    cloud.ssh(guests.near, f"ping -c 2 -W 3 {guests.far.address}")
    cloud.ssh(guests.far, f"ping -c 2 -W 3 {guests.near.address}")
    send(cloud, guests.near, guests.far)
    send(cloud, guests.far, guests.near)


def test_metadata_on_each_host(cloud: LabCloud, guests: Guests) -> None:
    """Each host's own process answers; a further host's asks the API over the management network."""
    for guest in (guests.near, guests.far):
        text = cloud.ssh(guest, "wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json")
        assert json.loads(text or "{}").get("uuid") == guest.id


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


@pytest.mark.heavy
def test_a_local_network_is_each_hosts_own(cloud: LabCloud, guests: Guests) -> None:
    """Its guests reach those on the same host, and routers there; no frame of it goes to another host."""
    network = cloud.network("own", "10.9.8.0/24", guests.router, network_type="local")
    ordered = [cloud.order(f"own-{host}", host, network, guests.group) for host in ("compute-1", "compute-2")]
    one, two = (cloud.active(server) for server in ordered)
    for guest, by in ((one, guests.near), (two, guests.far)):
        wait_for(lambda of=guest, by=by: cloud.ssh(of, "true", by=by, check=False) is not None, what="ssh", seconds=120)
    assert cloud.ssh(one, "true", by=guests.far, check=False) is None
    assert cloud.ssh(one, f"ping -c 2 -W 3 {two.address}", by=guests.near, check=False) is None
    assert cloud.ssh(two, f"ping -c 2 -W 3 {one.address}", by=guests.far, check=False) is None


@pytest.mark.heavy
def test_a_vlan_between_hosts(cloud: LabCloud, guests: Guests) -> None:
    """A provider network with a tag: through the hosts' uplinks, and not through tunnels."""
    provider = {"network_type": "vlan", "physical_network": "public", "segmentation_id": 77}
    network = cloud.network("tagged", "10.9.7.0/24", guests.router, **provider)
    ordered = [cloud.order(f"tagged-{host}", host, network, guests.group) for host in ("compute-1", "compute-2")]
    one, two = (cloud.active(server) for server in ordered)
    wait_for(lambda: cloud.ssh(one, "true", by=guests.near, check=False) is not None, what="ssh", seconds=120)
    wait_for(lambda: cloud.ssh(two, "true", by=guests.near, check=False) is not None, what="ssh", seconds=120)
    send(cloud, one, two, by=guests.near)
    send(cloud, two, one, by=guests.near)
    here = cloud.host("compute-2")
    control = here.state / "ovn" / "host" / "vswitchd.ctl"
    switch = ("ovs-appctl", "-T", "5", "-t", str(control), "fdb/show", "br-uplink")
    learned = [line.split()[1:3] for line in machines.run(here, *switch).stdout.splitlines()]
    assert ["77", cloud.mac(one)] in learned
