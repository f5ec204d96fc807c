"""How much of the cloud is free, counted in servers."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from apps.scheduling.sql import capacity as sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One server's amounts: vCPUs, RAM in MiB, disk in GiB."""

    vcpus: int
    ram_mib: int
    disk_gib: int


def fitting(*, sizes: Mapping[str, Size]) -> dict[str, int]:
    """Return name -> how many servers of that size still fit, each size by itself. 1 query.

    Counts free capacity of hosts that are up and enabled, with allocation ratios and reserves. Zones, traits,
    aggregates and groups are not considered: they can leave a server less room.
    """
    values = {
        "names": list(sizes),
        "vcpus": [size.vcpus for size in sizes.values()],
        "ram": [size.ram_mib for size in sizes.values()],
        "disk": [size.disk_gib for size in sizes.values()],
        "down": settings.HOST_DOWN_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SERVERS_THAT_FIT, values)
        counts = {name: int(count) for name, count in cursor.fetchall()}
    return {name: counts.get(name, 0) for name in sizes}
