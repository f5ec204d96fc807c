"""Draining: a host's servers are moved to others, a few at a time, so that it can be repaired."""

import uuid
from datetime import datetime
from itertools import islice
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import CloudError
from apps.compute import migration_states
from apps.compute.exceptions import ServerNotFound
from apps.compute.models import Migration, Server
from apps.compute.selectors import drains as selectors
from apps.compute.selectors import servers
from apps.compute.services import live_migrations, server_moves
from apps.scheduling.selectors import hosts
from apps.workflow.selectors import runs

log = structlog.get_logger("celerity.compute")


def advance() -> int:
    """Begin the next moves from every host that is drained; returns how many. Cold migrations are confirmed.

    A server that could not be moved stays, until the host is drained again.
    """
    begun = 0
    for host in hosts.draining():
        if host.draining_since is None:
            continue
        _confirm(host.name, host.draining_since)
        free = settings.DRAIN_AT_ONCE - len(selectors.moving(host=host.name)) if host.is_up else 0
        if free > 0:
            reasons = selectors.reasons(host=host.name, since=host.draining_since)
            waiting = servers.on_host(host=host.name).filter(id__in=[key for key, why in reasons.items() if not why])
            # One that is refused takes no place of the others.
            begun += sum(1 for _ in islice(filter(_move, waiting.order_by("created_at")), free))
    return begun


def _confirm(host: str, since: datetime) -> None:
    for migration in selectors.arrived(host=host, since=since):
        _confirm_one(migration)


def _confirm_one(migration: Migration) -> None:
    server = servers.load(server_id=migration.server_id)
    if server is None or not server_moves.may_confirm(server, migration):
        return
    try:
        server_moves.confirm(context=_context(server), server=server)
    except CloudError as error:  # its owner was faster
        log.info("not confirmed", server=str(server.id), reason=error.message)


def _move(server: Server) -> bool:
    """Begin to move a server; return whether it began."""
    try:
        _begin(server)
    except CloudError as error:  # another action was faster: the next round looks again
        log.info("not moved", server=str(server.id), reason=error.message)
        return False
    return True


def _begin(server: Server, **where: Any) -> None:
    """Begin to move a server, while it runs or while it is off."""
    begin = live_migrations.begin if server.vm_state in selectors.LIVE else server_moves.migrate
    begin(context=_context(server), server=server, **where)


def move(*, server_id: uuid.UUID, host: str) -> int:
    """Begin to move a server to a host, as a drain does. Returns the number of its migration.

    Raises ServerNotFound (404), and what the move is refused with.
    """
    server = servers.load(server_id=server_id)
    if server is None:
        raise ServerNotFound(server=server_id)
    with transaction.atomic():
        _begin(server, host=host)
        return int(Migration.objects.filter(server_id=server_id).latest("id").id)


def outcome(*, migration_id: int) -> str | None:
    """Return what went wrong with a move, "" for one that ended well, None for one under way. A cold one is confirmed.

    Its owner may revert it meanwhile.
    """
    row = Migration.objects.filter(id=migration_id).first()
    if row is None or row.status in (migration_states.COMPLETED, migration_states.CONFIRMED):
        return ""
    if row.status == migration_states.FINISHED:
        _confirm_one(row)
    if row.status not in migration_states.ENDED:
        return None
    reason = runs.errors(run_ids=[row.run_id]).get(row.run_id, "") if row.run_id else ""
    return reason or f"its migration is {row.status}"


def _context(server: Server) -> RequestContext:
    return RequestContext(project_id=server.project_id, is_admin=True)
