"""Draining: a host's servers are moved to others, a few at a time, so that it can be repaired."""

from datetime import datetime

import structlog
from django.conf import settings

from apps.common.context import RequestContext
from apps.common.exceptions import CloudError
from apps.compute.models import Server
from apps.compute.selectors import drains as selectors
from apps.compute.selectors import servers
from apps.compute.services import live_migrations, server_moves
from apps.scheduling.selectors import hosts

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
            begun += sum(_move(server) for server in waiting.order_by("created_at")[:free])
    return begun


def _confirm(host: str, since: datetime) -> None:
    for migration in selectors.arrived(host=host, since=since):
        server = servers.load(server_id=migration.server_id)
        if server is None or server.task_state:
            continue
        try:
            server_moves.confirm(context=_context(server), server=server)
        except CloudError as error:  # its owner was faster
            log.info("not confirmed", server=str(server.id), reason=error.message)


def _move(server: Server) -> bool:
    """Begin to move a server, while it runs or while it is off; return whether it began."""
    move = live_migrations.begin if server.vm_state in selectors.LIVE else server_moves.migrate
    try:
        move(context=_context(server), server=server)
    except CloudError as error:  # another action was faster: the next round looks again
        log.info("not moved", server=str(server.id), reason=error.message)
        return False
    return True


def _context(server: Server) -> RequestContext:
    return RequestContext(project_id=server.project_id, is_admin=True)
