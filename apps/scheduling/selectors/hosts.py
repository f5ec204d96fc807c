"""Reading hosts."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from apps.common.pagination import MAX_LIMIT
from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.models import Host
from apps.scheduling.states import Demand, HostState

__all__ = ["MAX_LIMIT", "all_hosts", "candidates", "get", "states", "zones"]

_STATES = """
SELECT h.id::text, h.name, h.zone, h.enabled,
       NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s),
       floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)::int - i.vcpus_used,
       floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)::bigint - i.ram_used,
       floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)::bigint - i.disk_used,
       h.arch, h.hypervisor_type, h.virt_type, h.hypervisor_version, h.traits, i.servers
  FROM scheduling_host h JOIN scheduling_inventory i ON i.host_id = h.id
"""
# What is cheap to ask is asked in SQL: hosts that cannot take the server never reach Python.
_FITS = """
 WHERE h.enabled AND NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s)
   AND floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio) - i.vcpus_used >= %(vcpus)s
   AND floor((i.ram_mib - i.ram_reserved) * i.ram_ratio) - i.ram_used >= %(ram)s
   AND floor((i.disk_gib - i.disk_reserved) * i.disk_ratio) - i.disk_used >= %(disk)s
   AND (%(zone)s::text IS NULL OR h.zone = %(zone)s)
   AND NOT h.name = ANY(%(ignored)s)
"""


def _state(row: tuple[Any, ...]) -> HostState:
    return HostState(
        id=row[0],
        name=row[1],
        zone=row[2],
        enabled=row[3],
        up=row[4],
        vcpus_free=row[5],
        ram_free=row[6],
        disk_free=row[7],
        arch=row[8],
        hypervisor_type=row[9],
        virt_type=row[10],
        hypervisor_version=row[11],
        traits=frozenset(row[12]),
        servers=row[13],
    )


def candidates(*, demand: Demand) -> list[HostState]:
    """Return hosts that have what ``demand`` asks for, as of now."""
    if demand.force_host:
        rows = _read(_STATES + " WHERE h.name = %(host)s", {"host": demand.force_host})
        return [_state(row) for row in rows]
    values = {
        "vcpus": demand.vcpus,
        "ram": demand.ram_mib,
        "disk": demand.disk_gib,
        "zone": demand.zone,
        "ignored": sorted(demand.ignore_hosts),
    }
    return [_state(row) for row in _read(_STATES + _FITS, values)]


def states(*, limit: int = 10_000) -> list[HostState]:
    """Return all hosts, fitting or not: to explain a refusal."""
    return [_state(row) for row in _read(_STATES + " ORDER BY h.name LIMIT %(limit)s", {"limit": limit})]


def _read(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"down": settings.HOST_DOWN_SECONDS, **values})
        return list(cursor.fetchall())


def all_hosts() -> QuerySet[Host]:
    return Host.objects.select_related("inventory").order_by("number")


def get(*, name: str) -> Host:
    """Raises HostNotFound (404)."""
    host = Host.objects.select_related("inventory").filter(name=name).first()
    if host is None:
        raise HostNotFound(host=name)
    return host


def names_up(*, names: Iterable[str] | None = None) -> set[str]:
    """Return the names of hosts whose agent is alive (of ``names``, or of all)."""
    hosts = Host.objects.all() if names is None else Host.objects.filter(name__in=list(names))
    return {host.name for host in hosts if host.is_up}


def status_of(*, names: Iterable[str]) -> dict[str, str]:
    """Return host -> UP, DOWN or MAINTENANCE (the API's host_status)."""
    rows = Host.objects.filter(name__in=list(names))
    return {row.name: "MAINTENANCE" if not row.enabled else "UP" if row.is_up else "DOWN" for row in rows}


def zones() -> dict[str, list[Host]]:
    """Return availability zone -> its hosts."""
    found: dict[str, list[Host]] = {}
    for host in Host.objects.order_by("zone", "name"):
        found.setdefault(host.zone, []).append(host)
    return found


def zone_exists(*, zone: str) -> bool:
    return Host.objects.filter(zone=zone).exists()
