"""What keeps servers on a host that is drained."""

import uuid
from datetime import datetime

from apps.compute import migration_states, states
from apps.compute.models import Migration, Server
from apps.compute.selectors import server_hardware, servers
from apps.workflow.selectors import runs

MOVING = "is being moved"
LIVE, COLD = (states.ACTIVE, states.PAUSED), (states.STOPPED,)


def moving(*, host: str) -> set[uuid.UUID]:
    """Return the servers on their way from a host. 1 query."""
    rows = Migration.objects.filter(source=host).exclude(
        status__in=(*migration_states.ENDED, migration_states.FINISHED)
    )
    return set(rows.values_list("server_id", flat=True))


def arrived(*, host: str, since: datetime) -> list[Migration]:
    """Return cold migrations from a host that are to be confirmed. 1 query."""
    rows = Migration.objects.filter(source=host, type=migration_states.MIGRATION, created_at__gte=since)
    return list(rows.filter(status=migration_states.FINISHED).order_by("id"))


def reasons(*, host: str, since: datetime) -> dict[uuid.UUID, str]:
    """Return why the servers on a host are still there, in words; "": they are next. 3 queries at most."""
    rows, on_their_way = list(servers.on_host(host=host).defer(*servers.HEAVY)), moving(host=host)
    what_failed = failed(host=host, since=since)
    return {row.id: MOVING if row.id in on_their_way else _reason(row, what_failed) for row in rows}


def failed(*, host: str, since: datetime) -> dict[uuid.UUID, str]:
    """Return what went wrong with the newest move of each server since then."""
    over = (migration_states.ERROR, migration_states.FAILED, migration_states.CANCELLED)
    rows = Migration.objects.filter(source=host, created_at__gte=since, status__in=over).order_by("id")
    by_run = {row.run_id: row.server_id for row in rows if row.run_id}
    return {by_run[key]: text or "its move was cancelled" for key, text in runs.errors(run_ids=list(by_run)).items()}


def _reason(server: Server, failed: dict[uuid.UUID, str]) -> str:
    if server.task_state:
        return f"another action is under way: {server.task_state}"
    if server.vm_state not in (*LIVE, *COLD):
        return f"is {server.vm_state}: running, paused and stopped servers are moved"
    bound = server_hardware.bound(server) if server.vm_state in LIVE else ""
    if bound:
        return f"has {bound}, which no live migration takes along: stop it, and it is moved"
    return failed.get(server.id, "")
