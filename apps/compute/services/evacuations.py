"""Evacuation: servers of a host that is dead, and that an operator has declared so, are made again elsewhere."""

import uuid
from itertools import islice
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, CloudError, Conflict, NotFound
from apps.compute import admin_passwords, exceptions, migration_states
from apps.compute.actions import EVACUATE
from apps.compute.models import Server
from apps.compute.selectors import drains, servers
from apps.compute.selectors import evacuations as selectors
from apps.compute.services import ends_of_moves, migrations, server_actions
from apps.compute.services.server_requests import guest
from apps.scheduling.selectors import hosts

log = structlog.get_logger("celerity.compute")


@transaction.atomic
def begin(
    *,
    context: RequestContext,
    server: Server,
    host: str = "",
    admin_password: str | None = None,
    force: bool = False,
    stopped: bool = False,
    keeps_password: bool = False,
) -> str | None:
    """Begin to make a server again on ``host``, or on one that the scheduler chooses. Returns its new password.

    ``stopped``: its guest stays off. ``keeps_password``: it gets no new one. ``force`` needs a host: it is claimed like
    another one. The data of local disks is lost. Raises BadRequest (400) while the server's host is not forced down,
    and for a host that cannot be; NotFound (404) for an unknown one; Conflict (409) where a volume's data is on the
    dead host; WrongState and ServerLocked (409).
    """
    if force and not host:
        raise BadRequest("Can't force to a non-provided destination")
    if keeps_password and admin_password:
        raise BadRequest("admin password can't be changed on existing disk")
    if host:
        _check_destination(server, host)
    check_dead(server)
    run_id, password = uuid.uuid4(), "" if keeps_password else guest.password(admin_password)
    off = stopped or server.vm_state == "stopped"
    server_actions.begin(context=context, server=server, action=EVACUATE, run_id=run_id, host=host, stopped=off)
    server.refresh_from_db()
    if server.config_drive and password:
        Server.objects.filter(id=server.id).update(admin_password=admin_passwords.seal(password))
    migrations.create(
        context=context,
        server=server,
        run_id=run_id,
        type_=migration_states.EVACUATION,
        status=migration_states.ACCEPTED,
        destination=host,
    )
    return password or None


def check_dead(server: Server) -> None:
    """Nobody guesses that a host is fenced: its guest would run twice. Raises BadRequest (400), Conflict (409)."""
    if not server.host or not hosts.is_dead(name=server.host):
        raise exceptions.ComputeServiceInUse(host=server.host)
    if selectors.has_data_there(server):
        raise Conflict(f"Cannot 'evacuate' instance {server.id}: data of its volumes is on its host.")


def _check_destination(server: Server, host: str) -> None:
    if host == server.host:
        raise BadRequest("The target host can't be the same one.")
    if host not in hosts.addresses(names=[host]):
        raise NotFound(f"Compute host {host} not found.")
    ends_of_moves.destination(host)


def advance() -> int:
    """Begin to make the next servers of dead hosts again, in order of priority; returns how many.

    A server for which that failed stays, until an operator has its host evacuated again.
    """
    return sum(_advance(host) for host in hosts.evacuating())


def _advance(host: Any) -> int:
    free = settings.EVACUATE_AT_ONCE - len(drains.moving(host=host.name))
    if free <= 0:
        return 0
    reasons = selectors.reasons_of(host)
    waiting = (key for key, why in reasons.items() if not why)
    return sum(1 for _ in islice(filter(_begin, waiting), free))  # one that is refused takes no place of the others


def _begin(server_id: uuid.UUID) -> bool:
    server = servers.load(server_id=server_id)
    if server is None:
        return False
    try:
        begin(context=RequestContext(project_id=server.project_id, is_admin=True), server=server)
    except CloudError as error:  # another action was faster: the next round looks again
        log.info("not evacuated", server=str(server_id), reason=error.message)
        return False
    return True
