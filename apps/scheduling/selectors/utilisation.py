"""How much of each host is claimed, and whether its agent is heard of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone


def alive_since() -> datetime:
    """Return when an agent must have been heard of last for its host to be up."""
    return timezone.now() - timedelta(seconds=settings.HOST_DOWN_SECONDS)


@dataclass(frozen=True, slots=True)
class Use:
    """``used`` of ``capacity``: (total - reserved) * ratio, rounded down, as the scheduler counts."""

    name: str
    used: int
    capacity: int
    unit: str

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.capacity)) if self.capacity > 0 else 0

    @property
    def level(self) -> str:
        """ "high" from 90 %, "middle" from 70 %, else "low"."""
        return "high" if self.percent >= 90 else "middle" if self.percent >= 70 else "low"

    @property
    def text(self) -> str:
        return f"{self.name} {self.used:,} of {self.capacity:,} {self.unit}".rstrip() + f" ({self.percent} %)"


def uses(inventory: Any) -> list[Use]:
    """Return a host's vCPUs, RAM (MiB) and disk (GiB)."""

    def capacity(total: int, reserved: int, ratio: float) -> int:
        return int((total - reserved) * ratio)

    one = inventory
    return [
        Use("vCPUs", one.vcpus_used, capacity(one.vcpus, one.vcpus_reserved, one.vcpus_ratio), ""),
        Use("RAM", one.ram_used, capacity(one.ram_mib, one.ram_reserved, one.ram_ratio), "MiB"),
        Use("disk", one.disk_used, capacity(one.disk_gib, one.disk_reserved, one.disk_ratio), "GiB"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUse:
    """A host at a glance. ``state`` is up, down or disabled; ``silent_seconds`` since its last heartbeat.

    ``forced``: an operator says that it is down, whatever its agent says.
    """

    id: str
    name: str
    zone: str
    state: str
    reason: str
    silent_seconds: float
    servers: int
    uses: list[Use]
    forced: bool


_HOSTS = """
SELECT h.id::text, h.name, h.zone,
       CASE WHEN h.forced_down OR h.heartbeat_at < now() - make_interval(secs => %(down)s) THEN 'down'
            WHEN NOT h.enabled THEN 'disabled' ELSE 'up' END AS state,
       h.disabled_reason, extract(epoch FROM now() - h.heartbeat_at)::float8, i.servers,
       i.vcpus_used, floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)::bigint,
       i.ram_used, floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)::bigint,
       i.disk_used, floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)::bigint, h.forced_down
  FROM scheduling_host h JOIN scheduling_inventory i ON i.host_id = h.id
 ORDER BY (NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s) AND h.enabled),
          i.ram_used::float8 / nullif((i.ram_mib - i.ram_reserved) * i.ram_ratio, 0) DESC NULLS LAST, h.name
 LIMIT %(limit)s
"""


def hosts(*, limit: int = 12) -> list[HostUse]:
    """Return hosts: those out of service first, then the fullest. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_HOSTS, {"down": settings.HOST_DOWN_SECONDS, "limit": limit})
        rows = cursor.fetchall()
    return [
        HostUse(
            id=row[0], name=row[1], zone=row[2], state=row[3], reason=row[4], silent_seconds=row[5], servers=row[6],
            uses=[Use("vCPUs", row[7], row[8], ""), Use("RAM", row[9], row[10], "MiB"),
                  Use("disk", row[11], row[12], "GiB")],
            forced=row[13],
        )
        for row in rows
    ]  # fmt: skip


_TOTALS = """
SELECT count(*), count(*) FILTER (WHERE NOT h.enabled),
       count(*) FILTER (WHERE h.forced_down OR h.heartbeat_at < now() - make_interval(secs => %(down)s)),
       coalesce(sum(i.vcpus_used), 0)::bigint,
       coalesce(sum(floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)), 0)::bigint,
       coalesce(sum(i.ram_used), 0)::bigint,
       coalesce(sum(floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)), 0)::bigint,
       coalesce(sum(i.disk_used), 0)::bigint,
       coalesce(sum(floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)), 0)::bigint
  FROM scheduling_host h JOIN scheduling_inventory i ON i.host_id = h.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    hosts: int
    disabled: int
    down: int
    uses: list[Use]


def totals() -> Totals:
    """Return the whole cloud's hosts and use. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"down": settings.HOST_DOWN_SECONDS})
        row = cursor.fetchone()
    uses_ = [Use("vCPUs", row[3], row[4], ""), Use("RAM", row[5], row[6], "MiB"), Use("disk", row[7], row[8], "GiB")]
    return Totals(hosts=row[0], disabled=row[1], down=row[2], uses=uses_)
