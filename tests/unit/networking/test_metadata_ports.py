"""The metadata service's port of a network: an address in each subnet that DHCP serves and that has room for it."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.networking.models import FixedIP, Network, Port, Subnet
from apps.networking.selectors import programmed
from apps.networking.services import metadata_ports, networks, subnets
from tests.callers import Caller
from workers.drivers.network.ovn import localports

OWNER = "network:distributed"


@pytest.fixture(autouse=True)
def real_hosts(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HYPERVISOR, settings.NETWORK_WORKER = "libvirt", True
    monkeypatch.setattr("apps.common.dispatch.publish", lambda *_: None)


def addresses(network: Network) -> list[str]:
    held = FixedIP.objects.filter(port__network=network, port__device_owner=OWNER)
    return [str(ip) for ip in held.values_list("ip_address", flat=True)]


def test_it_comes_and_goes_with_dhcp(alice: Caller, make_network: Callable[..., Network]) -> None:
    network = make_network(alice)
    (port,) = alice.get("/ports", device_owner=OWNER).json()["ports"]
    assert (port["device_id"], port["mac_address"]) == (f"ovnmeta-{network.id}", localports.mac(str(network.id)))
    (ip,) = addresses(network)
    (subnet,) = programmed.networks(network_ids=[network.id])[network.id].subnets
    assert subnet.metadata_ip == ip
    row = Subnet.objects.get(network=network)
    subnets.update(subnet=row, values={"enable_dhcp": False})
    assert addresses(network) == []
    subnets.update(subnet=row, values={"enable_dhcp": True})
    assert len(addresses(network)) == 1
    assert alice.delete(f"/ports/{port['id']}").status_code == 409
    subnets.delete(subnet=row)
    networks.delete(network=network)
    assert not Port.objects.exists()


def test_networks_of_before_get_it(alice: Caller, make_network: Callable[..., Network], settings: Any) -> None:
    settings.HYPERVISOR = "simulated"
    network = make_network(alice)
    assert metadata_ports.ensure_all() == 0
    settings.HYPERVISOR = "libvirt"
    assert (metadata_ports.ensure_all(), metadata_ports.ensure_all()) == (1, 0)
    assert len(addresses(network)) == 1
    networks.delete(network=network)
    assert not Port.objects.exists()


@pytest.mark.parametrize("cidr", ["10.9.0.0/29", "fd00:9::/64"])
def test_subnets_without_it(alice: Caller, make_network: Callable[..., Network], cidr: str) -> None:
    """A small one needs its addresses for guests; link-local ones serve IPv6."""
    network = make_network(alice, cidr)
    assert not Port.objects.filter(network=network, device_owner=OWNER).exists()
