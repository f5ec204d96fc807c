"""Live migration: checks before it is accepted, its row, and what is done to one under way."""

import uuid
from copy import copy
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute import exceptions, migration_states, rpcapi, states
from apps.compute.actions import LIVE_ABORT, LIVE_FORCE_COMPLETE, LIVE_MIGRATE
from apps.compute.models import Migration, Server
from apps.compute.selectors import request_specs
from apps.compute.services import (
    dry_runs,
    ends_of_moves,
    instance_actions,
    migrations,
    server_actions,
    server_hardware,
    servers,
)
from apps.scheduling.selectors import hosts


@transaction.atomic
def begin(
    *,
    context: RequestContext,
    server: Server,
    host: str = "",
    block_migration: Any = "auto",
    force: bool = False,
    checked: bool = False,
) -> None:
    """Begin to move a server to ``host``, or to one that the scheduler chooses, while its guest runs.

    Disks are copied where the hosts do not share them, whatever ``block_migration`` says. ``force`` needs a host: it is
    claimed like another one. ``checked``: it is looked at once whether a host would take the server.
    Raises BadRequest (400) then, and for a host that is unknown, down or the server's own; WrongState and ServerLocked
    (409).
    """
    if force and not host:
        raise BadRequest("Can't force to a non-provided destination")
    if host:
        _check_destination(server, host)
    if not context.is_admin:
        ends_of_moves.check_source(server)
    if server.host and not hosts.is_up(server.host):
        raise exceptions.ComputeServiceUnavailable(host=server.host)
    if checked:
        server_hardware.check_action(server=server, action=LIVE_MIGRATE.name)  # the better answer
        _check_room(server, host)
    run_id = uuid.uuid4()
    server_actions.begin(context=context, server=server, action=LIVE_MIGRATE, run_id=run_id, host=host)
    server.refresh_from_db()
    Server.objects.filter(id=server.id).update(progress=0)
    migrations.create(
        context=context,
        server=server,
        run_id=run_id,
        type_=migration_states.LIVE,
        status=migration_states.QUEUED,
        destination=host,
    )


def _check_room(server: Server, host: str) -> None:
    """Raise BadRequest (400) where no host would take the server now. The run claims one all the same."""
    moved = copy(server)
    moved.requested_host = ""
    reason = dry_runs.refusal(request_specs.of_move(moved, excluded=[server.host], host=host))
    if reason:
        raise BadRequest(reason)


def _check_destination(server: Server, host: str) -> None:
    if host == server.host:
        raise exceptions.MigrationToSameHost(instance_id=server.id, host=host)
    ends_of_moves.destination(host)


@transaction.atomic
def force_complete(*, context: RequestContext, server: Server, migration: Migration) -> None:
    """Have a migration completed soon: its guest is paused until it is there.

    Raises InvalidMigrationState (400) unless its guest is being copied, ServerLocked (409), and WrongState (409) for a
    paused guest, which writes nothing that would hold it up.
    """
    servers.check_unlocked(context=context, server=server)
    if server.vm_state != states.ACTIVE:
        raise exceptions.WrongState(
            action="force_complete", server=server.id, attribute="vm_state", state=server.vm_state
        )
    rows = Migration.objects.filter(id=migration.id, status=migration_states.RUNNING)
    if not rows.update(forced=True, updated_at=timezone.now()):
        raise _refusal(server, migration, "force complete")
    rpcapi.record(context=context, action=LIVE_FORCE_COMPLETE, server=server)


def abort(*, context: RequestContext, server: Server, migration: Migration, early: bool) -> None:
    """Stop a migration: the server stays on its host. ``early``: also one whose guest is not being copied yet.

    Not in a transaction: the revert is sent at once. Raises InvalidMigrationState (400), ServerLocked (409).
    """
    allowed = (migration_states.QUEUED, migration_states.PREPARING) if early else ()
    if migration.status not in (migration_states.RUNNING, *allowed) or migration.run_id is None:
        raise _refusal(server, migration, "abort live migration")
    instance_actions.cancel(context=context, server=server, run_id=migration.run_id)
    rpcapi.record(context=context, action=LIVE_ABORT, server=server)


def _refusal(server: Server, migration: Migration, method: str) -> exceptions.InvalidMigrationState:
    return exceptions.InvalidMigrationState(
        migration_id=migration.id, instance_uuid=server.id, state=migration.status, method=method
    )
