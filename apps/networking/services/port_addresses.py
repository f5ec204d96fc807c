"""The addresses of ports that the API makes and changes."""

import uuid
from collections.abc import Sequence
from typing import Any

from apps.networking import exceptions, ranges
from apps.networking.models import FixedIP, Port, Subnet
from apps.networking.selectors import subnets as subnet_selectors
from apps.networking.services import fixed_ips

MAX_FIXED_IPS = 5
Wanted = Sequence[dict[str, Any]]


def named(wanted: Wanted | None, *, held: frozenset[str]) -> set[str]:
    """Return which parts of ``fixed_ips`` have a separate policy rule: "ip_address", "subnet_id".

    Addresses that the port already holds need no permission.
    """
    new = [fixed_ip for fixed_ip in wanted or [] if fixed_ip.get("ip_address") not in held]
    return {"ip_address" if fixed_ip.get("ip_address") else "subnet_id" for fixed_ip in new}


def give(port: Port, wanted: Wanted | None) -> None:
    """Give a new port its addresses: those that are wanted, one of each IP version for None.

    An address that the guest makes itself is added whatever is wanted.

    Raises InvalidInput, InvalidIpForSubnet, InvalidIpForNetwork, AllocationOnAutoAddressSubnet (400), IpAddressInUse,
    IpAddressAlreadyAllocated, IpAddressGenerationFailure (409).
    """
    subnets = _subnets(port)
    if wanted is None and subnets:
        fixed_ips.draw_each_version(port_id=port.id, network_id=port.network_id, subnets=subnets)
    _give(port, subnets, wanted or [])
    fixed_ips.add_automatic(port_id=port.id, mac=port.mac_address, subnets=subnets)


def _subnets(port: Port) -> Sequence[Subnet]:
    return subnet_selectors.by_network(network_ids=[port.network_id]).get(port.network_id, [])


def _automatic(subnets: Sequence[Subnet]) -> list[uuid.UUID]:
    return [subnet.id for subnet in subnets if ranges.is_automatic(subnet)]


def _give(port: Port, subnets: Sequence[Subnet], wanted: Wanted) -> None:
    if len(wanted) > MAX_FIXED_IPS:
        raise exceptions.InvalidInput(
            reason=f"fixed_ips: exceeded maximum amount of fixed ips per port ({MAX_FIXED_IPS})"
        )
    for fixed_ip in wanted:
        subnet_id, ip = fixed_ip.get("subnet_id"), fixed_ip.get("ip_address")
        chosen = [subnet for subnet in subnets if subnet_id in (None, subnet.id)]
        if not chosen:
            raise exceptions.InvalidInput(
                reason=f"Failed to create port on network {port.network_id}, "
                f"because fixed_ips included invalid subnet {subnet_id}"
            )
        if ip is None:
            _draw(port, chosen, one_only=subnet_id is not None)
        else:
            _take(port, chosen, ip, subnet_id)


def _draw(port: Port, subnets: Sequence[Subnet], *, one_only: bool) -> None:
    if not one_only:
        fixed_ips.draw_each_version(port_id=port.id, network_id=port.network_id, subnets=subnets)
    elif ranges.is_automatic(subnets[0]):
        return
    elif fixed_ips.draw(port_id=port.id, subnet=subnets[0]) is None:
        raise exceptions.IpAddressGenerationFailure(id=port.network_id, network_id=port.network_id)


def _take(port: Port, subnets: Sequence[Subnet], ip: str, subnet_id: uuid.UUID | None) -> None:
    subnet = fixed_ips.subnet_of(ip, subnets)
    if subnet is None:
        raise (exceptions.InvalidIpForSubnet(ip=ip) if subnet_id else exceptions.InvalidIpForNetwork(ip=ip))
    if ranges.is_automatic(subnet):
        raise exceptions.AllocationOnAutoAddressSubnet(ip=ip, subnet_id=subnet.id)
    if subnet.gateway_ip == ip:
        raise exceptions.IpAddressInUse(ip=ip, network_id=port.network_id)
    if not fixed_ips.take(port_id=port.id, subnet_id=subnet.id, ip=ip):
        raise exceptions.IpAddressAlreadyAllocated(ip=ip, subnet_id=subnet.id)


def are_same(port: Port, wanted: Wanted) -> bool:
    """Return whether a port has these addresses; those that its guest makes itself may be left out."""
    held = set(port.fixed_ips.values_list("ip_address", "subnet_id"))
    automatic = set(_automatic(_subnets(port)))
    own = {ip for ip, subnet_id in held if subnet_id in automatic}
    return {fixed_ip.get("ip_address") for fixed_ip in wanted} | own == {ip for ip, _ in held}


def change(port: Port, wanted: Wanted | None, *, mac: str) -> None:
    """Give a port other addresses (None: those it has), and those that follow its MAC.

    Raises the errors of ``give``.
    """
    moved = mac != port.mac_address
    if (wanted is None or (port.bound and are_same(port, wanted))) and not moved:
        return
    subnets = _subnets(port)
    if moved:
        FixedIP.objects.filter(port=port, subnet_id__in=_automatic(subnets)).delete()
    if wanted is not None:
        keep = {entry["ip_address"] for entry in wanted if entry.get("ip_address")}
        gone = FixedIP.objects.filter(port=port).exclude(ip_address__in=keep)
        gone.exclude(subnet_id__in=_automatic(subnets)).delete()
        held = set(port.fixed_ips.values_list("ip_address", flat=True))
        _give(port, subnets, [entry for entry in wanted if entry.get("ip_address") not in held])
    fixed_ips.add_automatic(port_id=port.id, mac=mac, subnets=subnets)


def add_automatic(subnet: Subnet) -> None:
    """Give every port of a network its own address in a new subnet whose addresses guests make themselves."""
    for port in Port.objects.filter(network_id=subnet.network_id).exclude(device_owner__startswith="network:"):
        fixed_ips.add_automatic(port_id=port.id, mac=port.mac_address, subnets=[subnet])
