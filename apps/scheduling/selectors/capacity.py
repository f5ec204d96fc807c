"""How much of the cloud is free, counted in servers."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

# An amount of zero asks for nothing of that kind; what asks for nothing at all is bounded by nothing.
_FITS = """
SELECT d.name,
       coalesce(sum(greatest(0, least(f.vcpus / nullif(d.vcpus, 0), f.ram / nullif(d.ram, 0),
                                      f.disk / nullif(d.disk, 0)))), 0)
  FROM unnest(%(names)s::text[], %(vcpus)s::bigint[], %(ram)s::bigint[], %(disk)s::bigint[])
       AS d(name, vcpus, ram, disk)
  CROSS JOIN (
       SELECT floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)::bigint - i.vcpus_used AS vcpus,
              floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)::bigint - i.ram_used AS ram,
              floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)::bigint - i.disk_used AS disk
         FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id
        WHERE h.enabled AND NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s)) f
 GROUP BY d.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What one server takes: vCPUs, RAM in MiB, disk in GiB."""

    vcpus: int
    ram_mib: int
    disk_gib: int


def fitting(*, sizes: Mapping[str, Size]) -> dict[str, int]:
    """Return name -> how many servers of that size still fit, each size by itself. 1 query.

    Counts what is free on hosts that are up and enabled, with allocation ratios and reserves. Zones, traits,
    aggregates and groups are not looked at: with those a server may find less room.
    """
    values = {
        "names": list(sizes),
        "vcpus": [size.vcpus for size in sizes.values()],
        "ram": [size.ram_mib for size in sizes.values()],
        "disk": [size.disk_gib for size in sizes.values()],
        "down": settings.HOST_DOWN_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FITS, values)
        found = {name: int(count) for name, count in cursor.fetchall()}
    return {name: found.get(name, 0) for name in sizes}
