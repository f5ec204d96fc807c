"""Pipelines' writes when a server moves: each changes the server, its migration and what both hold together."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.compute import locks, migration_states, states
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import bandwidths
from apps.compute.selectors import migrations as selectors
from apps.compute.selectors import servers as server_selectors
from apps.compute.services import block_devices, migrations, server_states
from apps.networking import rpcapi
from apps.networking.services import bindings
from apps.quotas.services import reservations
from apps.scheduling.services import allocations
from apps.volumes.services import server_volumes


def mark_claimed(*, run_id: uuid.UUID, host: str) -> None:
    """The destination has been chosen, and the migration has its allocation."""
    migrations.advance(run_id=run_id, status=migration_states.MIGRATING, destination=host)


def mark_starting(*, run_id: uuid.UUID) -> None:
    """The guest is about to start on the destination. Who cannot ask that host takes it for running there."""
    migrations.advance(run_id=run_id, status=migration_states.POST_MIGRATING)


def mark_held_back(*, run_id: uuid.UUID) -> None:
    """The guest does not run on the destination, for sure."""
    migrations.advance(run_id=run_id, status=migration_states.MIGRATING)


@transaction.atomic  # a revert may be cut off: all of it, or nothing
def follow(*, server_id: uuid.UUID, run_id: uuid.UUID, host: str, disk_config: str) -> None:
    """The guest may run on the destination, which cannot be asked: the server is there, its power state unknown."""
    locks.server(server_id)
    migration = selectors.of_run(run_id=run_id)
    claim = allocations.of_consumer(consumer_id=migration.uuid) if migration is not None else None
    if migration is None or claim is None or migration.status != migration_states.POST_MIGRATING:
        return
    bindings.move_for_server(server_id=server_id, host=host)
    where = {"host": host, "zone": claim.host.zone, "power_state": "nostate"}
    mark_arrived(server_id=server_id, run_id=run_id, **where, disk_config=disk_config)
    server_states.commit_quota(server_id=server_id)


def mark_arrived(
    *, server_id: uuid.UUID, run_id: uuid.UUID, host: str, zone: str, power_state: str, disk_config: str = ""
) -> None:
    """The server is on the destination, with its new flavor: it is to be confirmed or reverted. Its task continues.

    ``disk_config``: its new one, "" for its own.
    The migration holds from now on what the server had on the source. With ``commit_quota``.
    """
    migration = selectors.of_run(run_id=run_id)
    if migration is None:
        return
    allocations.swap(first=server_id, second=migration.uuid)
    _place(server_id, migration.new_flavor, host=host, zone=zone, vm_state=states.RESIZED, power_state=power_state)
    if disk_config:
        _of(server_id).update(disk_config=disk_config)
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


@transaction.atomic  # a revert or a recovery may be cut off: all of it, or nothing
def follow_back(*, server_id: uuid.UUID) -> bool:
    """The disks of before are in their place again, on the host that the server did not leave: it has returned. Its
    power state is unknown. Says whether that had to be written.
    """
    server, migration = locks.server(server_id), selectors.open_of(server_id=server_id)
    claim = allocations.of_consumer(consumer_id=migration.uuid) if migration is not None else None
    run_id = migration.run_id if migration is not None else None
    if server is None or run_id is None or claim is None or server.vm_state != states.RESIZED:
        return False
    mark_returned(server_id=server_id, run_id=run_id, zone=claim.host.zone)
    server_states.forget_power_state(server_id=server_id)
    settle_quota(server_id=server_id, run_id=run_id)
    return True


def settle_quota(*, server_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Give back what the server held for its other flavor. It locks the project's usage: last."""
    migration, server = selectors.of_run(run_id=run_id), server_selectors.load(server_id=server_id)
    if migration is None or server is None:
        return
    _release_more(server, migrations.usage_during(migration), server_selectors.usage(server))


def give_up(*, server_id: uuid.UUID, run_id: uuid.UUID, final: bool) -> None:
    """The attempt failed: its claim is released. ``final``: the server stays where it is, and the migration is over."""
    locks.server(server_id)
    migration = selectors.of_run(run_id=run_id)
    if final:
        server_states.end_task(server_id=server_id)
    if migration is not None and migration.status not in migration_states.ENDED:
        status = migration_states.ERROR if final else migration_states.PRE_MIGRATING
        migrations.advance(run_id=run_id, status=status, destination=None if final else "")
        allocations.release(consumer_id=migration.uuid)
    if final:
        reservations.cancel(consumers=[server_id])


def abandon(*, server_id: uuid.UUID) -> bool:
    """An operator has set the server's state: what it is to the row, it is. Its migration is over and holds nothing;
    says whether there was one. One that was deleted for the time being has no usage: the caller reserves it.

    What is left on the other host, that host's recovery removes.
    """
    migration, server = selectors.open_of(server_id=server_id), server_selectors.load(server_id=server_id)
    if migration is None or server is None:
        return False
    held, kept = migrations.usage_held(migration, server), server_selectors.usage(server)
    bindings.move_for_server(server_id=server_id, host=server.host)
    migrations.end_of_server(server_id=server_id, status=migration_states.ERROR)
    allocations.release(consumer_id=migration.uuid)
    reservations.cancel(consumers=[server_id])
    if server.vm_state != states.SOFT_DELETED:
        _release_more(server, held, kept)
    return True


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
    if bandwidths.of(server.flavor.get("extra_specs") or {}) != bandwidths.of(flavor.get("extra_specs") or {}):
        rpcapi.changed(servers=[server_id])


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
