"""Servers and their hours in a period: os-simple-tenant-usage."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.compute.models import Server

MAX_SERVERS = 100_000  # of one answer without paging
COLUMNS = ("id", "project_id", "name", "vm_state", "flavor", "created_at", "launched_at", "deleted_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One server within the period. ``hours`` were spent in it; ``uptime`` is seconds since its launch."""

    server_id: uuid.UUID
    project_id: str
    name: str
    flavor: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    hours: float
    uptime: int
    vcpus: int
    ram_mib: int
    disk_gib: int


def used(*, start: datetime, stop: datetime, project_id: str | None = None) -> QuerySet[Server]:
    """Return the servers of a project (None: of all) that were up in a period.

    Servers that never started have cost nothing and are left out.
    """
    rows = ever(project_id=project_id).filter(launched_at__lt=stop)
    return rows.filter(Q(deleted_at=None) | Q(deleted_at__gt=start))


def ever(*, project_id: str | None) -> QuerySet[Server]:
    """Return all servers of a project (None: of all projects), deleted ones too."""
    rows = Server.objects.only(*COLUMNS)
    return rows if project_id is None else rows.filter(project_id=project_id)


def use_of(server: Server, *, start: datetime, stop: datetime, now: datetime) -> Use:
    """Return what a server used in a period."""
    launched: Any = server.launched_at
    ended = server.deleted_at
    until = min(stop, ended or now)
    seconds = max(0.0, (until - max(start, launched)).total_seconds())
    return Use(
        server_id=server.id,
        project_id=server.project_id,
        name=server.name,
        flavor=str(server.flavor.get("original_name", "")),
        state="terminated" if ended else server.vm_state,
        started_at=launched,
        ended_at=ended,
        hours=seconds / 3600,
        uptime=int(((ended or now) - launched).total_seconds()),
        vcpus=int(server.flavor["vcpus"]),
        ram_mib=int(server.flavor["ram"]),
        disk_gib=int(server.flavor["disk"]) + int(server.flavor["ephemeral"]),
    )


def by_project(uses: Iterable[Use]) -> dict[str, list[Use]]:
    grouped: dict[str, list[Use]] = {}
    for use in uses:
        grouped.setdefault(use.project_id, []).append(use)
    return grouped
