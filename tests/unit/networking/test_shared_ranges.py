"""Address ranges on hosts that route all networks in one table: allowed ranges and overlaps."""

from pathlib import Path
from typing import Any

import pytest

from apps.networking import capabilities, protection, ranges
from apps.networking.models import Network, Subnet
from apps.networking.services import requested_networks
from tests.callers import Caller
from workers.drivers.network.linux.driver import LinuxNetwork
from workers.drivers.network.ovn.host import OvnHost
from workers.drivers.network.simulated.host import SimulatedNetwork


@pytest.fixture
def shared_table(settings: Any, monkeypatch: Any) -> None:
    """Hosts whose driver puts ranges into their own routing table, on a machine that talks to nobody."""
    settings.HYPERVISOR = "libvirt"
    monkeypatch.setattr(protection, "gateways", list)
    monkeypatch.setattr(protection, "resolvers", list)
    protection._own.cache_clear()


def ask(who: Caller, network: Network, cidr: str) -> Any:
    version = 6 if ":" in cidr else 4
    body = {"subnet": {"network_id": str(network.id), "cidr": cidr, "ip_version": version}}
    return who.post("/subnets", body)


def test_the_drivers_say_the_same(settings: Any, tmp_path: Path) -> None:
    simulated = SimulatedNetwork({"state_dir": str(tmp_path), "host": "h"})
    for hypervisor, name, driver in (
        ("libvirt", "linux", LinuxNetwork.capabilities),
        ("libvirt", "ovn", OvnHost.capabilities),
        ("simulated", "linux", simulated.capabilities),
        ("simulated", "ovn", simulated.capabilities),
    ):
        settings.HYPERVISOR, settings.NETWORK_DRIVER = hypervisor, name
        assert capabilities.current().overlapping_ranges == driver.overlapping_ranges
        in_host = driver.real_packets and not driver.integration_bridge
        assert capabilities.current().ranges_in_host_routes == in_host


@pytest.mark.parametrize(
    "cidr",
    [
        "10.100.0.0/16",
        "172.16.9.0/24",
        "192.168.1.0/28",
        "100.64.0.0/24",
        "203.0.113.0/24",
        "2001:db8::/64",
        "fd00::/64",
    ],
)
def test_ranges_that_tenants_may_use(alice: Caller, make_network: Any, shared_table: None, cidr: str) -> None:
    response = ask(alice, make_network(alice, cidr=None), cidr)
    assert response.status_code == 201, response.content


@pytest.mark.parametrize("cidr", ["8.8.8.0/24", "10.0.0.0/7", "198.0.0.0/8", "2606:4700::/64"])
def test_ranges_that_tenants_may_not_use(
    alice: Caller, admin: Caller, make_network: Any, shared_table: None, settings: Any, cidr: str
) -> None:
    network = make_network(alice, cidr=None)
    response = ask(alice, network, cidr)
    assert response.status_code == 400
    assert "ranges that this cloud's networks may use" in response.json()["NeutronError"]["message"]
    assert not Subnet.objects.exists()
    settings.HYPERVISOR = "simulated"
    assert ask(alice, network, cidr).status_code == 201  # there a range is a row


def test_the_operators_list(alice: Caller, admin: Caller, make_network: Any, shared_table: None, settings: Any) -> None:
    settings.TENANT_RANGES = ["8.8.0.0/16"]
    network = make_network(alice, cidr=None)
    assert ask(alice, network, "10.0.0.0/24").status_code == 400
    assert ask(alice, network, "8.8.8.0/24").status_code == 201
    assert ask(admin, network, "9.9.9.0/24").status_code == 201  # an operator decides, and need not ask


def test_what_the_cloud_itself_talks_to(
    alice: Caller, admin: Caller, make_network: Any, shared_table: None, settings: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(protection, "gateways", lambda: ["10.5.0.1"])
    monkeypatch.setattr(protection, "resolvers", lambda: ["10.6.0.53", "fd00:6::53%eth0", "nonsense"])
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "10.7.0.2")
    settings.BROKER_URL, settings.PUBLIC_URL = "redis://:secret@10.8.0.2:6379/0", "https://[fd00:9::1]:8000"
    network = make_network(alice, cidr=None)
    for cidr in ("10.5.0.0/24", "10.6.0.0/16", "10.7.0.0/30", "10.8.0.0/24", "fd00:9::/64", "fd00:6::/64"):
        for who in (alice, admin):
            response = ask(who, network, cidr)
            assert response.status_code == 400, cidr
            message = response.json()["NeutronError"]["message"]
            assert "that the cloud itself needs" in message
            assert "database" not in message
    assert ask(alice, network, "10.9.0.0/24").status_code == 201


def test_what_the_kernel_says(tmp_path: Path) -> None:
    v4, v6, resolv = tmp_path / "route", tmp_path / "ipv6_route", tmp_path / "resolv.conf"
    v4.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"
        "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\n"
        "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n"
    )
    hexes = "0" * 32
    v6.write_text(f"{hexes} 00 {hexes} 00 fd000000000000000000000000000001 00 00 00 00003 eth0\n")
    resolv.write_text("# a comment\nsearch example.org\nnameserver 10.0.0.53\n")
    assert list(protection.gateways(v4, v6)) == ["172.17.0.1", "fd00::1"]
    assert protection.resolvers(resolv) == ["10.0.0.53"]
    assert list(protection.gateways(tmp_path / "none", tmp_path / "none")) == []


def test_overlaps_name_what_the_caller_sees(
    alice: Caller, bob: Caller, admin: Caller, make_network: Any, shared_table: None
) -> None:
    make_network(admin, "10.64.0.0/16", name="everybodys", shared=True)
    make_network(bob, "10.65.0.0/24", name="bobs secret")
    network = make_network(alice, cidr=None)
    for cidr, names in (("10.64.3.0/24", ["everybodys"]), ("10.65.0.0/25", []), ("10.64.0.0/15", ["everybodys"])):
        response = ask(alice, network, cidr)
        assert response.status_code == 400
        message = response.json()["NeutronError"]["message"]
        assert "overlaps with another subnet" in message
        assert [name for name in ("everybodys", "bobs secret", "10.65.0.0/24") if name in message] == names
    assert ask(alice, network, "10.66.0.0/24").status_code == 201
    assert ask(alice, network, "fd00:1::/64").status_code == 201
    assert ask(bob, make_network(bob, cidr=None), "fd00:1::/64").status_code == 201  # hosts serve IPv4 alone


def test_overlaps_are_fine_where_the_driver_keeps_networks_apart(alice: Caller, bob: Caller, make_network: Any) -> None:
    make_network(bob, "10.65.0.0/24")
    assert ask(alice, make_network(alice, cidr=None), "10.65.0.0/24").status_code == 201


def test_automatic_networks_pass_over_what_is_taken(
    alice: Caller, bob: Caller, make_network: Any, shared_table: None, settings: Any
) -> None:
    settings.AUTOMATIC_NETWORK_POOL = "10.128.0.0/23"
    make_network(bob, "10.128.0.0/25")
    for _ in range(3):
        made = requested_networks._make_automatic(project_id=alice.project_id)
        assert Subnet.objects.get(network_id=made).cidr == "10.128.1.0/24"
        Network.objects.filter(id=made).delete()


def test_every_default_range_parses(settings: Any) -> None:
    assert all(ranges.network(text, field="x") for text in settings.TENANT_RANGES)
