"""Pipelines' writes when a server moves: each changes the server, its migration and what both hold together."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from apps.compute import migration_states, states
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import migrations as selectors
from apps.compute.selectors import servers as server_selectors
from apps.compute.services import block_devices, migrations, server_states
from apps.networking.services import bindings
from apps.quotas.services import reservations
from apps.scheduling.services import allocations
from apps.volumes.services import server_volumes


def mark_claimed(*, run_id: uuid.UUID, host: str) -> None:
    """The destination has been chosen, and the migration has its allocation."""
    migrations.advance(run_id=run_id, status=migration_states.MIGRATING, destination=host)


def mark_arrived(*, server_id: uuid.UUID, run_id: uuid.UUID, host: str, zone: str, power_state: str) -> None:
    """The server is on the destination, with its new flavor: it is to be confirmed or reverted. Its task continues.

    The migration holds from now on what the server had on the source. With ``commit_quota``.
    """
    migration = selectors.of_run(run_id=run_id)
    if migration is None:
        return
    allocations.swap(first=server_id, second=migration.uuid)
    _place(server_id, migration.new_flavor, host=host, zone=zone, vm_state=states.RESIZED, power_state=power_state)
    migrations.advance(run_id=run_id, status=migration_states.FINISHED)


def mark_confirmed(*, server_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """The migration is over, and holds nothing any more. With ``settle_quota``."""
    migration, server = selectors.of_run(run_id=run_id), server_selectors.load(server_id=server_id)
    if migration is None or server is None:
        return
    vm_state = states.STOPPED if server.power_state == states.SHUTDOWN else states.ACTIVE
    _of(server_id).update(vm_state=vm_state, task_state="", updated_at=timezone.now())
    migrations.advance(run_id=run_id, status=migration_states.CONFIRMED)
    allocations.release(consumer_id=migration.uuid)


def keep_resized(*, server_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """The revert failed before anything changed: the server is to be confirmed or reverted as before."""
    migrations.advance(run_id=run_id, status=migration_states.FINISHED)
    server_states.end_task(server_id=server_id)


def mark_returned(*, server_id: uuid.UUID, run_id: uuid.UUID, zone: str) -> None:
    """The server is on the source again, off, with its flavor of before. Its task continues. With ``settle_quota``."""
    migration = selectors.of_run(run_id=run_id)
    if migration is None:
        return
    flavor, host, vm_state = migration.old_flavor, migration.source, migration.old_vm_state
    _place(server_id, flavor, host=host, zone=zone, vm_state=vm_state, power_state="shutdown")
    migrations.advance(run_id=run_id, status=migration_states.REVERTED)
    allocations.swap(first=server_id, second=migration.uuid)
    allocations.release(consumer_id=migration.uuid)


def settle_quota(*, server_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Give back what the server held for its other flavor. It locks the project's usage: last."""
    migration, server = selectors.of_run(run_id=run_id), server_selectors.load(server_id=server_id)
    if migration is None or server is None:
        return
    _release_more(server, migrations.usage_during(migration), server_selectors.usage(server))


def give_up(*, server_id: uuid.UUID, run_id: uuid.UUID, final: bool) -> None:
    """The attempt failed: its claim is released. ``final``: the server stays where it is, and the migration is over."""
    migration = selectors.of_run(run_id=run_id)
    if final:
        server_states.end_task(server_id=server_id)
    if migration is not None and migration.status not in migration_states.ENDED:
        status = migration_states.ERROR if final else migration_states.PRE_MIGRATING
        migrations.advance(run_id=run_id, status=status, destination=None if final else "")
        allocations.release(consumer_id=migration.uuid)
    if final:
        reservations.cancel(consumers=[server_id])


def abandon(*, server_id: uuid.UUID) -> None:
    """An operator has set the server's state: what it is to the row, it is. Its migration is over and holds nothing.

    What is left on the other host, that host's recovery removes.
    """
    migration, server = selectors.open_of(server_id=server_id), server_selectors.load(server_id=server_id)
    if migration is None or server is None:
        return
    held, kept = migrations.usage_held(migration, server), server_selectors.usage(server)
    bindings.move_for_server(server_id=server_id, host=server.host)
    migrations.end_of_server(server_id=server_id, status=migration_states.ERROR)
    allocations.release(consumer_id=migration.uuid)
    reservations.cancel(consumers=[server_id])
    _release_more(server, held, kept)


def _release_more(server: Server, held: Mapping[str, int], kept: Mapping[str, int]) -> None:
    less = {name: amount - kept[name] for name, amount in held.items() if amount > kept[name]}
    if less:
        reservations.release(owner_id=server.project_id, each=less, consumer=server.id)


def _place(
    server_id: uuid.UUID, flavor: Mapping[str, Any], *, host: str, zone: str, vm_state: str, power_state: str
) -> None:
    server = server_selectors.load(server_id=server_id)
    if server is None:
        return
    _write_devices(server, flavor)
    values: dict[str, Any] = {"flavor": flavor, "host": host, "zone": zone, "vm_state": vm_state}
    values |= server_states.NO_FAULT | {"power_state": states.POWER_STATES[power_state], "updated_at": timezone.now()}
    _of(server_id).update(**values)
    if server.has_volumes:
        server_volumes.move(server_id=server_id, host=host)
    bindings.set_server_status(server_id=server_id, up=power_state == "running")


def _write_devices(server: Server, flavor: Mapping[str, Any]) -> None:
    before = server_selectors.block_devices(server_id=server.id)
    after = block_devices.of_flavor(server, before, flavor)
    kept = {device.id for device in after}
    known = {device.id: device.size for device in before}
    BlockDevice.objects.filter(id__in=known.keys() - kept).delete()
    BlockDevice.objects.bulk_create([device for device in after if device.id not in known])
    changed = [device for device in after if known.get(device.id, device.size) != device.size]
    BlockDevice.objects.bulk_update(changed, ["size"])


def _of(server_id: uuid.UUID) -> Any:
    return Server.objects.filter(id=server_id, deleted_at=None)
