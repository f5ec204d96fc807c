"""Writing the rows of migrations: one function a change, in the caller's transaction."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.common.context import RequestContext
from apps.compute import migration_states as states
from apps.compute.models import Flavor, Migration, Server
from apps.compute.selectors import servers
from apps.compute.sql import migrations as sql

COUNTED = ("memory_total", "memory_processed", "memory_remaining", "disk_total", "disk_processed", "disk_remaining")


def create(
    *,
    context: RequestContext,
    server: Server,
    run_id: uuid.UUID,
    type_: str,
    status: str,
    destination: str = "",
    new_flavor: Mapping[str, Any] | None = None,
) -> Migration:
    """Write down that a run moves a server from the host it is on. ``new_flavor`` None: it keeps its own."""
    new = dict(server.flavor if new_flavor is None else new_flavor)
    old_id, new_id = (str(flavor.get("id", "")) for flavor in (server.flavor, new))
    numbers = dict(Flavor.objects.filter(flavor_id__in=[old_id, new_id]).values_list("flavor_id", "id"))
    return Migration.objects.create(
        server=server,
        run_id=run_id,
        type=type_,
        status=status,
        source=server.host,
        destination=destination,
        old_flavor=server.flavor,
        new_flavor=new,
        old_flavor_number=numbers.get(old_id, 0),
        new_flavor_number=numbers.get(new_id, 0),
        old_vm_state=server.vm_state,
        user_id=context.user_id or server.user_id,
        project_id=context.project_id or server.project_id,
    )


def hand_over(*, migration: Migration, run_id: uuid.UUID, status: str) -> None:
    """Let another run confirm or revert it."""
    rows = Migration.objects.filter(id=migration.id).exclude(status__in=states.ENDED)
    rows.update(run_id=run_id, status=status, updated_at=timezone.now())


def advance(*, run_id: uuid.UUID, status: str, destination: str | None = None) -> bool:
    """Set the status of the migration that a run makes, unless it is over; say whether there is one."""
    values = {"run": run_id, "status": status, "destination": destination, "ended": list(states.ENDED)}
    return bool(sql.ADVANCE.run(values))


def count(*, run_id: uuid.UUID, **amounts: int) -> bool:
    """Note how far a live migration is, in bytes: ``memory_total``, ``disk_remaining`` and so on (``COUNTED``).

    Returns whether somebody wants it to be completed soon.
    """
    assert set(amounts) <= set(COUNTED)
    progress = percent(amounts)
    rows = Migration.objects.filter(run_id=run_id).exclude(status__in=states.ENDED)
    rows.update(**amounts, updated_at=timezone.now())
    if progress is not None:
        Server.objects.filter(id__in=rows.values("server_id")).exclude(progress=progress).update(progress=progress)
    return rows.filter(forced=True).exists()


def note_downtime(*, run_id: uuid.UUID, milliseconds: int) -> None:
    """Note how long a guest was paused by its live migration."""
    Migration.objects.filter(run_id=run_id).update(downtime_ms=milliseconds)


def percent(amounts: Mapping[str, int]) -> int | None:
    """Return how much of the memory and the disks is there; None before that is known."""
    total, remaining = (sum(amounts.get(f"{kind}_{name}", 0) for kind in ("memory", "disk")) for name in
                        ("total", "remaining"))  # fmt: skip
    return 100 - 100 * min(remaining, total) // total if total else None


def usage_during(migration: Migration) -> dict[str, int]:
    """Return a server's amounts of quota between two flavors: the larger of both, so that it can go either way."""
    old, new = servers.usage_of(migration.old_flavor), servers.usage_of(migration.new_flavor)
    return {name: max(amount, new[name]) for name, amount in old.items()}


def usage_held(migration: Migration | None, server: Server) -> dict[str, int]:
    """Return what a server counts against its quota: more than its flavor while a resize can go either way."""
    if migration is not None and migration.status in states.EITHER_WAY:
        return usage_during(migration)
    return servers.usage(server)


def end_of_server(*, server_id: uuid.UUID, status: str) -> list[uuid.UUID]:
    """End a server's open migration; return its UUID, whose allocation the caller releases."""
    rows = Migration.objects.filter(server_id=server_id).exclude(status__in=states.ENDED)
    uuids = list(rows.values_list("uuid", flat=True))
    rows.update(status=status, updated_at=timezone.now())
    return uuids


def prune(*, days: int) -> int:
    """Delete migrations that ended long ago; return how many."""
    rows = Migration.objects.filter(status__in=states.ENDED, updated_at__lt=timezone.now() - timedelta(days=days))
    return int(rows.delete()[0])
