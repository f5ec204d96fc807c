"""Giving addresses to ports: one INSERT … SELECT per address, made safe by the unique (subnet, address).

An address is drawn by chance from the pools, so that concurrent boots rarely want the same one, and no row is locked.
If a subnet is so full that random draws fail, the free addresses next to taken ones are used.
"""

import uuid
from collections.abc import Sequence

from django.db import connection

from apps.networking import exceptions, ranges
from apps.networking.models import Subnet
from apps.networking.sql import fixed_ips as sql

DRAWS = 8
ATTEMPTS = 64


def take(*, port_id: uuid.UUID, subnet_id: uuid.UUID, ip: str) -> bool:
    """Give one certain address to a port. Returns False when another port holds it."""
    return _insert(port_id=port_id, subnet_id=subnet_id, candidates=[ip]) is not None


def draw(*, port_id: uuid.UUID, subnet: Subnet) -> str | None:
    """Give a free address of ``subnet`` to a port and return it; None when the subnet is full.

    One statement as long as the subnet is not nearly full.
    """
    pools = ranges.stored_pools(subnet.allocation_pools)
    for attempt in range(ATTEMPTS):
        candidates = ranges.candidates(pools, DRAWS) if attempt == 0 else _free(subnet.id, pools)
        if not candidates:
            return None
        ip = _insert(port_id=port_id, subnet_id=subnet.id, candidates=candidates)
        if ip is not None:
            return ip
    return None


def draw_each_version(*, port_id: uuid.UUID, network_id: uuid.UUID, subnets: Sequence[Subnet]) -> None:
    """Give a port one address of each IP version that the network has, from the first subnet with a free one.

    Subnets whose addresses guests make themselves are passed over: see ``add_automatic``.

    Raises IpAddressGenerationFailure (409) when the subnets of a version are all full.
    """
    drawn = [subnet for subnet in subnets if subnet.ip_version == 4 or not ranges.is_automatic(subnet)]
    for version in sorted({subnet.ip_version for subnet in drawn}):
        of_version = (subnet for subnet in drawn if subnet.ip_version == version)
        if not any(draw(port_id=port_id, subnet=subnet) for subnet in of_version):
            raise exceptions.IpAddressGenerationFailure(id=network_id, network_id=network_id)


def add_automatic(*, port_id: uuid.UUID, mac: str, subnets: Sequence[Subnet]) -> None:
    """Give a port the address that its guest generates in each subnet with such a mode.

    Neutron does so whatever addresses a request names. The addresses follow from the MAC, which is unique on a network.
    """
    for subnet in subnets:
        if subnet.ip_version == 6 and ranges.is_automatic(subnet):
            take(port_id=port_id, subnet_id=subnet.id, ip=ranges.eui64(subnet.cidr, mac))


def subnet_of(ip: str, subnets: Sequence[Subnet]) -> Subnet | None:
    """Return the subnet that ``ip`` is a usable address of, or None."""
    address = ranges.address(ip, field="fixed_ips.ip_address")
    for subnet in subnets:
        cidr = ranges.network(subnet.cidr, field="cidr")
        if address.version != cidr.version:
            continue
        first, last = ranges.usable(cidr)
        if int(first) <= int(address) <= int(last):
            return subnet
    return None


def _insert(*, port_id: uuid.UUID, subnet_id: uuid.UUID, candidates: Sequence[str]) -> str | None:
    rows = sql.TAKE.fetch({"port": port_id, "subnet": subnet_id, "candidates": list(candidates)})
    return str(rows[0][0]) if rows else None


def _free(subnet_id: uuid.UUID, pools: Sequence[ranges.Pool]) -> list[str]:
    addresses: list[str] = []
    with connection.cursor() as cursor:
        for start, end in pools:
            values: dict[str, str | int] = {
                "subnet": str(subnet_id),
                "start": str(start),
                "end": str(end),
                "count": DRAWS,
            }
            cursor.execute(sql.FREE, values)
            addresses += [row[0] for row in cursor.fetchall()]
    return addresses
