"""Reading migrations of servers."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.common.sql.rows import Rows
from apps.compute import migration_states as states
from apps.compute.models import Migration, Server
from apps.compute.selectors import server_lists
from apps.compute.states import RESIZED

MOST_ID = 2**63 - 1

_OF_RUN = Rows(
    "compute_migration_of_run", lambda run: Migration.objects.filter(run_id=run).order_by("-id"), {"run": uuid.UUID}
)


def listed(
    *,
    host: str | None = None,
    source: str | None = None,
    status: str | None = None,
    type_: str | None = None,
    server_id: str | None = None,
    user_id: str | None = None,
    project_id: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> QuerySet[Migration]:
    """Return migrations, newest first. ``host``: its source or destination; ``before`` counts as documents show it."""
    rows = Migration.objects.defer("old_flavor", "new_flavor")
    equal = {"source": source, "status": status, "type": type_, "user_id": user_id, "project_id": project_id}
    rows = rows.filter(**{name: value for name, value in equal.items() if value is not None})
    if server_id is not None:
        key = parse_uuid(server_id)
        rows = rows.filter(server_id=key) if key else rows.none()
    if host is not None:
        rows = rows.filter(Q(source=host) | Q(destination=host))
    if since is not None:
        rows = rows.filter(updated_at__gte=since)
    if before is not None:
        rows = rows.filter(updated_at__lt=server_lists.end_of(before))
    return rows


def live_of(*, server_id: uuid.UUID) -> QuerySet[Migration]:
    """Return a server's live migrations under way."""
    return Migration.objects.filter(server_id=server_id, type=states.LIVE).exclude(status__in=states.ENDED)


def get_live(*, server: Server, migration_id: str) -> Migration:
    """Return a live migration under way, by its number. Raises NotFound (404)."""
    number = int(migration_id) if migration_id.isascii() and migration_id.isdigit() and len(migration_id) < 20 else -1
    row = Migration.objects.filter(server_id=server.id, id=min(number, MOST_ID)).first()
    shown = migration_id[:64]
    if row is None:
        raise NotFound(f"Migration {shown} not found for instance {server.id}")
    if row.type != states.LIVE:
        raise NotFound(f"Migration {shown} for server {server.id} is not live-migration.")
    if row.status not in states.LIVE_IN_PROGRESS:
        raise NotFound(f"Migration {shown} for server {server.id} is not in progress.")
    return row


def open_of(*, server_id: uuid.UUID) -> Migration | None:
    """Return the migration of a server that is on its way, or that is to be confirmed. 1 query."""
    return Migration.objects.filter(server_id=server_id).exclude(status__in=states.ENDED).first()


def is_leaving(*, server_id: uuid.UUID) -> bool:
    """Whether a server is on its way while its guest runs: where it is, only its hosts know. 1 query."""
    under_way = (states.RUNNING, states.POST_MIGRATING)
    return Migration.objects.filter(server_id=server_id, type=states.LIVE, status__in=under_way).exists()


def of_run(*, run_id: uuid.UUID) -> Migration | None:
    """Return the migration that a run makes. 1 query, of every step."""
    return _OF_RUN.first(run=run_id)


def downtimes(*, run_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how long guests were paused by live migrations, in milliseconds, by run. 1 query, none without runs."""
    rows = Migration.objects.filter(run_id__in=run_ids, downtime_ms__isnull=False) if run_ids else ()
    return {row.run_id: int(row.downtime_ms or 0) for row in rows if row.run_id}


def waiting(*, before: datetime) -> QuerySet[Migration]:
    """Return the migrations that have waited for their confirmation since ``before``, the oldest first."""
    ready = Server.objects.filter(id=OuterRef("server_id"), deleted_at=None, vm_state=RESIZED, task_state="")
    rows = Migration.objects.filter(Exists(ready), status=states.FINISHED, updated_at__lt=before)
    return rows.order_by("updated_at")


def flavors_held() -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return the flavors that servers being resized count with, beside their own: both where they can go either way.
    1 query.
    """
    rows = Migration.objects.filter(type=states.RESIZE).exclude(status__in=states.ENDED)
    return {
        key: [old, new] if status in states.EITHER_WAY else []
        for key, status, old, new in rows.values_list("server_id", "status", "old_flavor", "new_flavor")
    }


def on_their_way() -> list[Migration]:
    """Return the migrations that a run makes, or should. 1 query."""
    return list(Migration.objects.exclude(status__in=(*states.ENDED, states.FINISHED)))


def left_on(*, host: str) -> dict[str, bool]:
    """Return the servers whose files of before a migration a host keeps: their ids, and whether they are on it."""
    rows = Migration.objects.filter(source=host, status__in=states.EITHER_WAY)
    return {str(key): destination == host for key, destination in rows.values_list("server_id", "destination")}


def may_return(*, server_id: uuid.UUID, host: str) -> bool:
    """Whether a server may come back to the disks of before a migration that a host keeps. 1 query."""
    return Migration.objects.filter(server_id=server_id, source=host, status__in=states.EITHER_WAY).exists()


def has_failed_to(*, server_id: uuid.UUID, host: str) -> bool:
    """Whether the server was last to move to a host while it ran, and failed: what is there may be all of it."""
    last = Migration.objects.filter(server_id=server_id).order_by("-id").first()
    return last is not None and (last.type, last.status, last.destination) == (states.LIVE, states.ERROR, host)


def of_server(*, server_id: uuid.UUID, limit: int = 20) -> list[Migration]:
    """Return a server's newest migrations."""
    return list(Migration.objects.filter(server_id=server_id).order_by("-id")[:limit])


def existing(*, uuids: Any) -> set[uuid.UUID]:
    """Return those of the UUIDs whose migration is not over: they may hold an allocation. 1 query."""
    rows = Migration.objects.filter(uuid__in=list(uuids)).exclude(status__in=states.ENDED)
    return set(rows.values_list("uuid", flat=True))
