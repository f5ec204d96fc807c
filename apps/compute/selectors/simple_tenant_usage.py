"""What servers were up for how long in a period: os-simple-tenant-usage."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.common import pagination
from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.compute.models import Server

SORT = (("created_at", "asc"), ("id", "asc"))
MAX_SERVERS = 100_000  # of one answer without paging
_COLUMNS = ("id", "project_id", "name", "vm_state", "flavor", "created_at", "launched_at", "deleted_at")


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


def uses(
    *, start: datetime, stop: datetime, now: datetime, project_id: str | None = None, marker: str | None = None,
    limit: int | None = None,
) -> tuple[list[Use], bool]:  # fmt: skip
    """Return the uses of a project (None: of all), and whether there are more after ``limit`` servers.

    Servers that never started have cost nothing and are left out. Raises BadRequest (400) for an unknown marker.
    """
    rows = Server.objects.filter(launched_at__lt=stop).filter(Q(deleted_at=None) | Q(deleted_at__gt=start))
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    rows = rows.only(*_COLUMNS)
    if limit is None:
        return [_use(row, start, stop, now) for row in rows.order_by("created_at", "id")[:MAX_SERVERS]], False
    found, more = pagination.page(rows, sort=SORT, marker=_marker(marker, project_id), limit=limit)
    return [_use(row, start, stop, now) for row in found], more


def _marker(marker: str | None, project_id: str | None) -> Server | None:
    if not marker:
        return None
    rows = Server.objects.only(*_COLUMNS)
    rows = rows if project_id is None else rows.filter(project_id=project_id)
    key = parse_uuid(marker)
    server = rows.filter(id=key).first() if key else None
    if server is None:
        raise BadRequest(f"Marker {marker[:64]} could not be found.")
    return server


def _use(server: Server, start: datetime, stop: datetime, now: datetime) -> Use:
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
