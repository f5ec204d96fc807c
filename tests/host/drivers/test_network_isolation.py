"""A host's services for a network are reachable from that network only, and tenants cannot influence the host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.drivers.conftest import output
from tests.host.drivers.plugged import answers_names, ask_for_lease, guest, reaches
from tests.unit.drivers import samples
from workers.drivers.network import loader as networks
from workers.drivers.network.base import NetworkDriver, NetworkSpec
from workers.drivers.network.errors import AddressOverlap

pytestmark = [pytest.mark.libvirt, pytest.mark.usefixtures("clean_host")]


@pytest.fixture
def driver(network_driver: NetworkDriver) -> NetworkDriver:
    return network_driver


def test_a_gateway_serves_its_own_network_alone(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    """A guest asked another private network's gateway for names, and was answered."""
    other = samples.network(int(network.subnets[0].cidr.split(".")[2]) + 1, domain="other.test")
    ports = samples.port(network, 10), samples.port(other, 10)
    for spec, port in zip((network, other), ports, strict=True):
        driver.plug(spec, port)
    own, foreign = str(network.subnets[0].gateway_ip), str(other.subnets[0].gateway_ip)
    with guest(network, ports[0]) as name:
        ask_for_lease(name, tmp_path)
        assert reaches(name, own)
        assert answers_names(name, own, "example.test")
        assert not reaches(name, foreign)
        assert not answers_names(name, foreign, "other.test")
        assert not reaches(name, foreign, 53)
    driver.remove_network(other.id)


@pytest.fixture
def outside() -> Iterator[tuple[str, str]]:
    """Another machine on a separate link to the host: its name, and the host's address on the link."""
    name, here = "cly-tout", "198.19.250.1"
    commands = [
        f"ip netns add {name}",
        f"ip link add {name} type veth peer name eth0 netns {name}",
        f"ip addr add {here}/24 dev {name}",
        f"ip link set {name} up",
        f"ip -n {name} addr add 198.19.250.2/24 dev eth0",
        f"ip -n {name} addr add 169.254.169.254/32 dev eth0",
        f"ip -n {name} link set eth0 up",
        f"ip -n {name} route add default via {here}",
        f"ip route add 169.254.169.254/32 dev {name}",
    ]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True)
        yield name, here
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "link", "del", name], check=False, capture_output=True)


def test_what_no_guest_reaches(
    network: NetworkSpec, state_directory: Path, tmp_path: Path, outside: tuple[str, str]
) -> None:
    """Guests reach neither the metadata service of the host's own cloud nor the operator's ranges, but all else."""
    port, other = samples.port(network), "198.19.250.2"
    open_to_all = networks.load("linux", {"state_dir": state_directory})
    open_to_all.plug(network, port)
    try:
        with guest(network, port) as name:
            ask_for_lease(name, tmp_path)
            assert reaches(name, other)
            assert not reaches(name, "169.254.169.254")
            options = {"state_dir": state_directory, "management_ranges": ["198.19.250.0/24", "198.19.0.0/16"]}
            networks.load("linux", options).ensure_network(network)
            assert not reaches(name, other)
            # And from outside, nobody has the gateway.
            gateway = str(network.subnets[0].gateway_ip)
            assert not reaches(outside[0], gateway)
            assert not answers_names(outside[0], gateway, "example.test")
    finally:
        open_to_all.remove_network(network.id)


@pytest.mark.parametrize("closed", ["198.18.0.0/15", "198.18.77.64/26"])
def test_a_network_in_a_management_range_is_refused(state_directory: Path, closed: str) -> None:
    driver = networks.load("linux", {"state_dir": state_directory, "management_ranges": [closed]})
    network = samples.network(77)
    try:
        with pytest.raises(AddressOverlap) as caught:
            driver.ensure_network(network)
    finally:
        driver.remove_network(network.id)
    assert "management" in caught.value.details
    assert driver.list_networks() == ()


def test_a_network_over_a_route_of_the_host_is_refused(driver: NetworkDriver) -> None:
    subprocess.run(["ip", "route", "add", "unreachable", "198.18.78.128/25"], check=True)
    try:
        with pytest.raises(AddressOverlap):
            driver.ensure_network(samples.network(78))
    finally:
        subprocess.run(["ip", "route", "del", "unreachable", "198.18.78.128/25"], check=True)


def test_nothing_of_a_network_outlives_its_last_port(driver: NetworkDriver, network: NetworkSpec) -> None:
    """Its range stayed in the host's routing table for minutes and misrouted the host's connections."""
    first, last = samples.port(network, 10), samples.port(network, 11)
    driver.plug(network, first)
    driver.plug(network, last)
    prefix = network.subnets[0].cidr
    driver.unplug(network.id, first.id)
    assert prefix in output("ip", "route")
    driver.unplug(network.id, last.id)
    assert prefix not in output("ip", "route", "show", "table", "all")
    assert network.bridge not in output("nft", "list", "ruleset")
    assert str(network.subnets[0].gateway_ip) not in output("nft", "list", "ruleset")
