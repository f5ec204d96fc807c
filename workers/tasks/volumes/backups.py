"""The steps of backups: made and restored on the host of their volume, deleted on the host that made them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from apps.volumes import states
from apps.volumes.selectors import backups as selectors
from apps.volumes.selectors import volumes as volume_selectors
from apps.volumes.services import backup_states
from apps.workflow.services.claims import ClaimArguments
from workers.config import HostDrivers
from workers.drivers.backup.base import BackupInfo, BackupSpec, Disk
from workers.drivers.volume.base import Export, ExportSpec, FromSnapshot, FromVolume, Source, VolumeSpec
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import Step, StepContext
from workers.mapping import volume_keys
from workers.tasks.volumes.base import R, drivers_of, patiently

if TYPE_CHECKING:
    from apps.volumes.models import Backup

HOURS = 3600.0


class BackupStep(Step[R]):
    """The claim moves the backup to ``status``."""

    status: str
    timeout_seconds = 12 * HOURS

    def claim_arguments(self) -> ClaimArguments | None:
        return backup_states.begin_with_claim(status=self.status)

    def begin(self, ctx: StepContext) -> None:
        if ctx.claim.extended is None:
            raise LeaseLost
        ctx.subject_row = backup_states.read_claimed(ctx.claim.extended)

    def backup(self, ctx: StepContext) -> "Backup":
        """Return the backup's row. LeaseLost: it is gone."""
        row = ctx.subject_row or selectors.load(backup_id=ctx.subject_id)
        ctx.subject_row = None
        if row is None:
            raise LeaseLost
        return row


class BeginBackup(BackupStep[None]):
    """The first step does nothing: its revert ends the run in one transaction, which is to wait for no store."""

    name = "begin"
    status = states.CREATING
    timeout_seconds = 60

    def execute(self, ctx: StepContext) -> None:
        """The rows say all."""

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.failure:
            backup_states.mark_error(backup=self.backup(ctx), message=ctx.failure.message)


class CreateBackup(BackupStep[BackupInfo]):
    """Read the volume into the store.

    What is read is a clone of the volume, with the backup's ID, so that a guest goes on to write meanwhile. Nobody but
    this step uses it; recovery removes one that was left.
    """

    name = "create"
    status = states.CREATING
    long = True

    def execute(self, ctx: StepContext) -> BackupInfo:
        backup, drivers = self.backup(ctx), drivers_of(ctx)
        volume = volume_selectors.load(volume_id=backup.volume_id)
        if volume is None:
            raise Abort("The volume does not exist any more.", cause="VolumeNotFound")
        key, source = str(backup.id), _source(backup)
        size = volume.size if backup.snapshot_id is None else backup.size
        clone = VolumeSpec(id=key, size_gib=size, header_bytes=volume_keys.header_of(volume))
        patiently(ctx, lambda: drivers.volume.create_volume(clone, source, ctx.stop))
        parent = str(backup.parent_id) if backup.parent_id is not None else None
        spec = BackupSpec(id=key, size_gib=backup.size, parent_id=parent)
        with exported(drivers, key, readonly=True) as export:
            ctx.checkpoint()
            info = drivers.backup.create_backup(spec, Disk(export.socket, export.name), ctx.stop)
        _clear(ctx, backup, drivers)
        return info

    def record(self, ctx: StepContext, result: BackupInfo) -> None:
        row = self.backup(ctx)
        backup_states.mark_available(backup=row, objects=result.objects, stored_bytes=result.stored_bytes)

    def revert(self, ctx: StepContext) -> None:
        backup = self.backup(ctx)
        if ctx.on_host:
            drivers = drivers_of(ctx)
            _clear(ctx, backup, drivers)
            drivers.backup.delete_backup(str(backup.id))


def _source(backup: "Backup") -> Source:
    if backup.snapshot_id is not None:
        return FromSnapshot(str(backup.volume_id), str(backup.snapshot_id))
    return FromVolume(str(backup.volume_id))


def _clear(ctx: StepContext, backup: "Backup", drivers: HostDrivers) -> None:
    """Remove the clone, and let the volume's layers be merged that it had kept."""
    key = str(backup.id)
    drivers.volume.close_export(key, None)
    drivers.volume.delete_volume(key)
    if ctx.is_long:
        patiently(ctx, lambda: drivers.volume.delete_snapshot(str(backup.volume_id), key, ctx.stop))


@contextmanager
def exported(drivers: HostDrivers, volume_id: str, *, readonly: bool = False) -> Iterator[Export]:
    """Have an export of a volume that nothing else uses; one that was left by a step that was killed is closed."""
    drivers.volume.close_export(volume_id, None)
    export = drivers.volume.open_export(volume_id, ExportSpec(f"b{secrets.token_hex(16)}", readonly=readonly))
    try:
        yield export
    finally:
        drivers.volume.close_export(volume_id, None)


def write(ctx: StepContext, drivers: HostDrivers, backup_id: str, volume_id: str) -> None:
    """Write a backup's content to a volume that nothing else uses."""
    drivers.volume.fence(volume_id)
    with exported(drivers, volume_id) as export:
        ctx.checkpoint()
        drivers.backup.restore_backup(backup_id, Disk(export.socket, export.name), ctx.stop)


class RestoreBackup(BackupStep[None]):
    """Write the backup to the volume. Cut short, it begins again; given up, the volume is half written."""

    name = "restore"
    status = states.RESTORING
    long = True

    def execute(self, ctx: StepContext) -> None:
        backup, drivers = self.backup(ctx), drivers_of(ctx)
        if backup.restoring_id is None:
            raise Abort("The volume does not exist any more.", cause="VolumeNotFound")
        key = str(backup.restoring_id)
        patiently(ctx, lambda: write(ctx, drivers, str(backup.id), key))

    def record(self, ctx: StepContext, result: None) -> None:
        backup_states.mark_restored(backup=self.backup(ctx))

    def revert(self, ctx: StepContext) -> None:
        backup = self.backup(ctx)
        if ctx.on_host and backup.restoring_id is not None:
            drivers_of(ctx).volume.close_export(str(backup.restoring_id), None)
        if ctx.final and ctx.failure:
            backup_states.mark_restore_failed(backup=backup, message=ctx.failure.message)


class DeleteBackup(BackupStep[None]):
    """Remove the backup from the store. If its host is out of reach, the row goes alone; a host that sees the store
    removes the data later.
    """

    name = "delete"
    status = states.DELETING
    long = True
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if ctx.on_host:
            drivers = drivers_of(ctx)
            _clear(ctx, self.backup(ctx), drivers)
            drivers.backup.delete_backup(str(ctx.subject_id))

    def record(self, ctx: StepContext, result: None) -> None:
        backup_states.mark_deleted(backup_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.failure:
            backup_states.mark_delete_failed(backup_id=ctx.subject_id, message=ctx.failure.message)
