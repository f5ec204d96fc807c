"""Pipelines' writes when a server moves while its guest runs."""

import uuid

from django.db import transaction
from django.utils import timezone

from apps.compute import locks, migration_states, states
from apps.compute.models import Server
from apps.compute.selectors import migrations as selectors
from apps.compute.selectors import servers as server_selectors
from apps.compute.services import migrations, server_states
from apps.networking.services import bindings
from apps.scheduling.services import allocations
from apps.volumes.services import server_volumes

UNKNOWN = ""  # a power state that nobody could ask for


def mark_claimed(*, run_id: uuid.UUID, host: str) -> None:
    """The destination has been chosen, and the migration has its allocation."""
    migrations.advance(run_id=run_id, status=migration_states.PREPARING, destination=host)


def mark_prepared(*, server_id: uuid.UUID, host: str) -> None:
    """The server's ports are on the destination as well. In the transaction that ends the step."""
    locks.server(server_id)
    bindings.begin_move(server_id=server_id, host=host)


@transaction.atomic  # a revert may be cut off: all of it, or nothing
def mark_moved(*, server_id: uuid.UUID, run_id: uuid.UUID, host: str, power_state: str) -> None:
    """The server is on the destination, with the allocation that the migration holds there. Its task continues.

    Nothing where that is written already.
    """
    locks.server(server_id)
    migration, server = selectors.of_run(run_id=run_id), server_selectors.load(server_id=server_id)
    claim = allocations.of_consumer(consumer_id=migration.uuid) if migration is not None else None
    if migration is None or server is None or claim is None:
        return
    if server.has_volumes:
        server_volumes.move(server_id=server_id, host=host)
    bindings.move_for_server(server_id=server_id, host=host)
    server_states.mark_moved(
        server_id=server_id,
        claimed_by=migration.uuid,
        host=host,
        zone=claim.host.zone,
        power_state=power_state or ("paused" if server.vm_state == states.PAUSED else "running"),
    )
    if power_state == UNKNOWN:
        server_states.forget_power_state(server_id=server_id)
    migrations.advance(run_id=run_id, status=migration_states.POST_MIGRATING)


@transaction.atomic
def mark_made_again(*, server_id: uuid.UUID, run_id: uuid.UUID, host: str, power_state: str) -> None:
    """The same for a server that was made again. What a rescue or a rebuild left, it left on the dead host.

    As after a rebuild, it counts as launched now.
    """
    mark_moved(server_id=server_id, run_id=run_id, host=host, power_state=power_state)
    Server.objects.filter(id=server_id, host=host, deleted_at=None).update(
        rebuild=None, rescue=None, launched_at=timezone.now()
    )


def complete(*, server_id: uuid.UUID, run_id: uuid.UUID, status: str = migration_states.COMPLETED) -> None:
    """The server has moved, and its task is over. A password that it got with its disks is in them."""
    server_states.forget_password(server_id=server_id)
    _there(server_id)
    migrations.advance(run_id=run_id, status=status)


def give_up(*, server_id: uuid.UUID, run_id: uuid.UUID, source: str, final: bool, cancelled: bool) -> None:
    """The attempt failed: its claim is released. ``final``: the server stays where it is, and the migration is over.

    A server that had left its ``source`` before it could be held back has moved.
    """
    locks.server(server_id)
    migration, server = selectors.of_run(run_id=run_id), server_selectors.load(server_id=server_id)
    if final:
        server_states.end_task(server_id=server_id)
        _there(server_id)
    if migration is None or server is None or migration.status in migration_states.ENDED:
        return
    if server.host != source:
        status = migration_states.COMPLETED if final else migration_states.POST_MIGRATING
        migrations.advance(run_id=run_id, status=status)
    elif final:
        status = migration_states.CANCELLED if cancelled else migration_states.ERROR
        migrations.advance(run_id=run_id, status=status)
    else:
        migrations.advance(run_id=run_id, status=migration_states.QUEUED, destination="")
    allocations.release(consumer_id=migration.uuid)


def _there(server_id: uuid.UUID) -> None:
    """Nothing is on its way any more: a progress of less is a migration's."""
    Server.objects.filter(id=server_id).exclude(progress=100).update(progress=100)
