"""How much of each host is claimed, and whether its agent is heard of."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from apps.scheduling.models import Inventory
from apps.scheduling.sql import utilisation as sql


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


def uses(inventory: Inventory) -> list[Use]:
    """Return a host's vCPUs, RAM (MiB) and disk (GiB)."""
    return [
        Use("vCPUs", inventory.vcpus_used, inventory.capacity("vcpus"), ""),
        Use("RAM", inventory.ram_used, inventory.capacity("ram"), "MiB"),
        Use("disk", inventory.disk_used, inventory.capacity("disk"), "GiB"),
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


def hosts(*, limit: int = 12) -> list[HostUse]:
    """Return hosts: those out of service first, then the fullest. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.HOSTS, {"down": settings.HOST_DOWN_SECONDS, "limit": limit})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    hosts: int
    disabled: int
    down: int
    uses: list[Use]


def totals() -> Totals:
    """Return the whole cloud's hosts and use. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.TOTALS, {"down": settings.HOST_DOWN_SECONDS})
        row = cursor.fetchone()
    uses_ = [Use("vCPUs", row[3], row[4], ""), Use("RAM", row[5], row[6], "MiB"), Use("disk", row[7], row[8], "GiB")]
    return Totals(hosts=row[0], disabled=row[1], down=row[2], uses=uses_)
