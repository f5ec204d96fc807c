"""Ports that the network itself holds: routers' interfaces and gateways, and floating IPs."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError

from apps.networking import exceptions, locks, states
from apps.networking.models import FixedIP, Network, Port, Subnet
from apps.networking.services import fixed_ips, network_access, port_addresses
from apps.networking.services.bindings import new_mac


def make(
    *, network_id: uuid.UUID, owner: str, device_id: uuid.UUID, project_id: str = "", status: str = states.ACTIVE,
    mac: str = "",
) -> Port:  # fmt: skip
    """Make a port without addresses, by default with a new MAC. One without a project is no project's to see, as with
    Neutron.

    Raises NetworkNotFound (404).
    """
    mac = mac or new_mac()
    while Port.objects.filter(network_id=network_id, mac_address=mac).exists():
        mac = new_mac()
    try:
        return Port.objects.create(
            network_id=network_id,
            project_id=project_id,
            mac_address=mac,
            device_owner=owner,
            device_id=str(device_id),
            status=status,
            port_security_enabled=False,
        )
    except IntegrityError:
        raise exceptions.NetworkNotFound(id=network_id) from None


def make_external(*, network_id: uuid.UUID, owner: str, device_id: uuid.UUID, status: str = states.ACTIVE) -> Port:
    """Make a port on an external network. Raises NetworkNotFound (404), also for one that is external no longer."""
    port = make(network_id=network_id, owner=owner, device_id=device_id, status=status)
    network_access.hold(network_id=network_id)
    if not Network.objects.filter(id=network_id, external=True).exists():
        raise exceptions.NetworkNotFound(id=network_id)
    return port


def take(port: Port, *, subnet: Subnet, ip: str) -> None:
    """Give a port one certain address, also a subnet's gateway. Raises IpAddressAlreadyAllocated (409)."""
    if not fixed_ips.take(port_id=port.id, subnet_id=subnet.id, ip=ip):
        raise exceptions.IpAddressAlreadyAllocated(ip=ip, subnet_id=subnet.id)


def change_addresses(port: Port, wanted: Sequence[dict[str, Any]]) -> None:
    """Give a port these addresses instead of those it has. Raises the errors of ``port_addresses.give``."""
    keep = {entry["ip_address"] for entry in wanted if entry.get("ip_address")}
    FixedIP.objects.filter(port=port).exclude(ip_address__in=keep).delete()
    held = set(FixedIP.objects.filter(port=port).values_list("ip_address", flat=True))
    port_addresses.give(port, [entry for entry in wanted if entry.get("ip_address") not in held])


def remove(port_ids: Sequence[uuid.UUID]) -> None:
    """Delete ports with their addresses; nothing refers to them any more."""
    locks.ports_to_delete(port_ids)
    FixedIP.objects.filter(port_id__in=port_ids).delete()
    Port.objects.filter(id__in=port_ids).delete()
