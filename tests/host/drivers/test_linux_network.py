"""The Linux network driver keeps the contract, repairs damage, and isolates guests."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud import wait_for
from tests.host.drivers.conftest import output
from tests.host.drivers.plugged import ask_for_lease, guest, reaches
from tests.unit.drivers import samples
from tests.unit.drivers.network_contract import NetworkContract
from workers.drivers.network import loader as networks
from workers.drivers.network.base import FixedIP, HostRoute, NetworkDriver, NetworkSpec, SubnetSpec
from workers.drivers.network.errors import AddressOverlap, BridgeTaken

pytestmark = [pytest.mark.libvirt, pytest.mark.usefixtures("clean_host")]


@pytest.fixture
def driver(network_driver: NetworkDriver) -> NetworkDriver:
    return network_driver


def dnsmasq_pid(state_directory: Path, network: NetworkSpec) -> int:
    return int((state_directory / "networks" / network.id / "dnsmasq.pid").read_text())


class TestContract(NetworkContract):
    """See NetworkContract."""


def test_a_guest_gets_what_its_port_says(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    subnet = dataclasses.replace(
        network.subnets[0],
        dns_nameservers=("198.18.0.53", "198.18.0.54"),
        host_routes=(HostRoute("198.19.99.0/24", network.subnets[0].cidr.replace(".0/24", ".9")),),
    )
    network = dataclasses.replace(network, subnets=(subnet,))
    port = samples.port(network, 42, hostname="web-1")
    driver.plug(network, port)
    assert driver.lease(network.id, port.id) is None
    with guest(network, port) as name:
        told = ask_for_lease(name, tmp_path)
        assert told["ip"] == port.fixed_ips[0].ip
        assert told["router"] == subnet.gateway_ip
        assert told["dns"] == "198.18.0.53 198.18.0.54"
        assert told["mtu"] == "1450"
        assert told["domain"] == "example.test"
        assert told["staticroutes"] == f"198.19.99.0/24 {subnet.host_routes[0].nexthop} 0.0.0.0/0 {subnet.gateway_ip}"
        lease = driver.lease(network.id, port.id)
        assert lease is not None
        assert (lease.ip, lease.mac, lease.hostname) == (port.fixed_ips[0].ip, port.mac, "web-1")
        driver.unplug(network.id, port.id)
        next_one = samples.port(network, 42)
        driver.plug(network, next_one)
    with guest(network, next_one) as name:
        assert ask_for_lease(name, tmp_path)["ip"] == next_one.fixed_ips[0].ip


def test_a_stranger_gets_nothing(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    driver.ensure_network(network)
    with guest(network, samples.port(network)) as name:
        assert ask_for_lease(name, tmp_path) == {}


def test_no_gateway(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    host = network.subnets[0].gateway_ip
    subnet = dataclasses.replace(network.subnets[0], gateway_ip=None, dhcp_ip=host)
    network = dataclasses.replace(network, subnets=(subnet,))
    port = samples.port(network)
    driver.plug(network, port)
    with guest(network, port) as name:
        told = ask_for_lease(name, tmp_path)
        assert told["ip"] == port.fixed_ips[0].ip
        assert "router" not in told
        assert told["staticroutes"] == f"169.254.169.254/32 {host}"


def test_guests_are_kept_apart(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    other = samples.network(int(network.subnets[0].cidr.split(".")[2]) + 1)
    ports = samples.port(network, 10), samples.port(network, 11), samples.port(other, 10)
    for spec, port in zip((network, network, other), ports, strict=True):
        driver.plug(spec, port)
    with guest(network, ports[0]) as one, guest(network, ports[1]) as two, guest(other, ports[2]) as three:
        for name in (one, two, three):
            ask_for_lease(name, tmp_path)
        gateway = str(network.subnets[0].gateway_ip)
        assert reaches(one, gateway)
        assert reaches(one, ports[1].fixed_ips[0].ip)
        assert not reaches(one, ports[2].fixed_ips[0].ip)
        assert not reaches(three, ports[0].fixed_ips[0].ip)
        with listening() as number:
            assert not reaches(one, gateway, number)
            assert not reaches(one, host_address(), number)


def host_address() -> str:
    words = output("ip", "-4", "-o", "addr", "show", "scope", "global").split()
    return words[words.index("inet") + 1].split("/")[0]


@contextmanager
def listening() -> Iterator[int]:
    import socket

    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def test_masquerade_and_metadata(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    """A guest cannot reach the host's own address, but reaches the metadata service at its address."""
    import socket

    port = samples.port(network)
    driver.plug(network, port)
    with guest(network, port) as name, socket.create_server(("0.0.0.0", 18775)) as server:
        ask_for_lease(name, tmp_path)
        callers: list[str] = []

        def accept() -> None:
            caller, address = server.accept()
            callers.append(address[0])
            caller.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        assert reaches(name, "169.254.169.254", 80)
        thread.join(5)
        assert callers == [port.fixed_ips[0].ip]
        assert not reaches(name, str(network.subnets[0].gateway_ip), 18775)


def test_what_broke_is_mended(driver: NetworkDriver, network: NetworkSpec, state_directory: Path) -> None:
    driver.plug(network, samples.port(network))
    os.kill(dnsmasq_pid(state_directory, network), signal.SIGKILL)
    subprocess.run(["nft", "delete", "table", "inet", "celerity"], check=True)
    driver.ensure_network(network)
    assert Path(f"/proc/{dnsmasq_pid(state_directory, network)}").exists()
    assert network.bridge in output("nft", "list", "table", "inet", "celerity")
    subprocess.run(["ip", "link", "del", network.bridge], check=True)
    driver.ensure_network(network)
    assert str(network.subnets[0].gateway_ip) in output("ip", "addr", "show", network.bridge)
    os.kill(dnsmasq_pid(state_directory, network), 0)


def test_the_pid_of_somebody_else(driver: NetworkDriver, network: NetworkSpec, state_directory: Path) -> None:
    driver.ensure_network(network)
    ours = dnsmasq_pid(state_directory, network)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (state_directory / "networks" / network.id / "dnsmasq.pid").write_text(f"{stranger.pid}\n")
        driver.remove_network(network.id)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        os.kill(ours, signal.SIGKILL)


def test_a_bridge_of_somebody_else(driver: NetworkDriver, network: NetworkSpec) -> None:
    subprocess.run(["ip", "link", "add", network.bridge, "type", "bridge"], check=True)
    try:
        with pytest.raises(BridgeTaken):
            driver.ensure_network(network)
        assert Path("/sys/class/net", network.bridge).exists()
        assert driver.list_networks() == ()
    finally:
        subprocess.run(["ip", "link", "del", network.bridge], check=True)


def test_a_range_of_the_host_itself(driver: NetworkDriver, network: NetworkSpec) -> None:
    subnet = SubnetSpec(samples.new_id(), "127.0.0.0/16", "127.0.0.9")
    with pytest.raises(AddressOverlap):
        driver.ensure_network(dataclasses.replace(network, subnets=(subnet,)))


def test_the_bridge(driver: NetworkDriver, network: NetworkSpec) -> None:
    driver.ensure_network(network)
    bridge = Path("/sys/class/net", network.bridge, "bridge")
    assert int((bridge / "ageing_time").read_text()) > 0
    assert (bridge / "stp_state").read_text().strip() == "0"
    assert (bridge / "forward_delay").read_text().strip() == "0"
    assert "inet6" not in output("ip", "addr", "show", network.bridge)


def test_many_at_once(driver: NetworkDriver, network: NetworkSpec, state_directory: Path) -> None:
    errors: list[BaseException] = []

    def plug(last: int) -> None:
        try:
            own = networks.load("linux", {"state_dir": state_directory})
            own.plug(network, samples.port(network, last))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=plug, args=(last,)) for last in range(10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(driver.list_ports()) == 10


def test_an_address_that_changes_hands(driver: NetworkDriver, network: NetworkSpec, tmp_path: Path) -> None:
    """A port's address changes while its guest holds the old one."""
    port = samples.port(network, 30)
    driver.plug(network, port)
    with guest(network, port) as name:
        ask_for_lease(name, tmp_path)
        moved = dataclasses.replace(
            port, fixed_ips=(FixedIP(network.subnets[0].id, samples.port(network, 31).fixed_ips[0].ip),)
        )
        driver.plug(network, moved)
        assert ask_for_lease(name, tmp_path)["ip"] == moved.fixed_ips[0].ip


def test_faults_are_told_and_mended(driver: NetworkDriver, network: NetworkSpec, state_directory: Path) -> None:
    port = samples.port(network)
    driver.plug(network, port)
    (state_directory / "networks" / network.id / "hosts" / port.id).unlink()
    assert driver.faults(network, [port]) == (f"port {port.id} has no DHCP entry",)
    driver.plug(network, port)
    assert driver.faults(network, [port]) == ()
    os.kill(dnsmasq_pid(state_directory, network), signal.SIGKILL)
    wait_for(lambda: driver.faults(network, [port]) == ("the DHCP server does not run",), what="DHCP missed")
    subprocess.run(["ip", "link", "del", network.bridge], check=True)
    assert driver.faults(network, [port]) == (f"the bridge {network.bridge} is missing",)
    driver.ensure_network(network)
    assert driver.faults(network, [port]) == ()


def test_what_no_record_names_is_removed(driver: NetworkDriver, network: NetworkSpec, state_directory: Path) -> None:
    port = samples.port(network)
    driver.plug(network, port)
    entry = state_directory / "networks" / network.id / "hosts" / samples.new_id()
    entry.write_text("fa:16:3e:00:00:01,198.18.0.99\n")
    for name in ("cly-tstray", port.tap):
        subprocess.run(["ip", "tuntap", "add", name, "mode", "tap"], check=True)
        subprocess.run(["ip", "link", "set", name, "master", network.bridge], check=True)
    assert len(driver.residue(remove=False)) == 2
    assert sorted(driver.residue(remove=True)) == [f"DHCP entry {entry.name}", "tap cly-tstray"]
    assert not entry.exists()
    assert "cly-tstray" not in output("ip", "-o", "link")
    assert port.tap in output("ip", "-o", "link")
    assert driver.residue(remove=True) == ()
