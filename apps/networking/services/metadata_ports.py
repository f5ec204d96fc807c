"""Ports of the metadata service: one a network, with an address in each subnet that DHCP serves, as Neutron has them.

DHCP sends guests to 169.254.169.254 by way of that address: some clients set no route that is on their own link. A
subnet that is small or full has no address for it, and its guests get the route on their link.
"""

from contextlib import suppress

from django.db import transaction

from apps.networking import capabilities, locks, ranges, rpcapi, states
from apps.networking.models import FixedIP, Network, Port, Subnet
from apps.networking.services import fixed_ips

SMALLEST_POOL = 8  # addresses, of which guests need most


def update(subnet: Subnet) -> bool:
    """Give the service its address in a subnet, or take it away. Returns whether something changed.

    The caller holds the network's or the subnet's lock. Networks of simulated hosts have no such ports.
    """
    if not capabilities.has_metadata():
        return False
    held = FixedIP.objects.filter(subnet=subnet, port__device_owner=states.OWNER_DISTRIBUTED)
    wanted = subnet.enable_dhcp and subnet.ip_version == 4 and _size(subnet) >= SMALLEST_POOL
    if wanted == held.exists():
        return False
    if wanted:
        return fixed_ips.draw(port_id=_port(subnet.network).id, subnet=subnet) is not None
    held.delete()
    return True


def ensure_all() -> int:
    """Give the service its addresses in subnets from before it, or that make no use of ``subnets.create``.

    Returns in how many it got one.
    """
    lacking = Subnet.objects.filter(ip_version=4, enable_dhcp=True)
    lacking = lacking.exclude(fixed_ips__port__device_owner=states.OWNER_DISTRIBUTED)
    made = 0
    for subnet_id in lacking.values_list("id", flat=True) if capabilities.has_metadata() else ():
        with suppress(Subnet.DoesNotExist), transaction.atomic():  # it may be deleted meanwhile
            subnet = locks.subnet(subnet_id)
            if update(subnet):
                rpcapi.changed(networks=[subnet.network_id])
                made += 1
    return made


def release(subnet: Subnet) -> None:
    """Give back the service's address in a subnet that is deleted."""
    FixedIP.objects.filter(subnet=subnet, port__device_owner=states.OWNER_DISTRIBUTED).delete()


def _port(network: Network) -> Port:
    port, _ = Port.objects.get_or_create(
        network=network,
        device_owner=states.OWNER_DISTRIBUTED,
        device_id=states.metadata_device(network.id),
        defaults={
            "project_id": network.project_id,
            "mac_address": states.metadata_mac(network.id),
            "status": states.DOWN,
            "port_security_enabled": False,
        },
    )
    return port


def _size(subnet: Subnet) -> int:
    pools = ranges.stored_pools(subnet.allocation_pools)
    return sum(int(end) - int(start) + 1 for start, end in pools)
