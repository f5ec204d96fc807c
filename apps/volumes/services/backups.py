"""Writing backups: creation, restoration, deletion; each change of a status is a compare-and-swap.

A backup works on two rows: the volume, or the snapshot, that it reads or writes is locked first.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.quotas.services import reservations
from apps.volumes import exceptions, locks, rpcapi, states
from apps.volumes.models import Backup, Snapshot, Volume
from apps.volumes.selectors import backups as selectors
from apps.volumes.selectors import quota_amounts
from apps.volumes.selectors import volume_keys as key_selectors
from apps.volumes.services import backends, backup_states, quotas, snapshots, volume_keys, volumes
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs


def create(
    *,
    context: RequestContext,
    volume: Volume,
    values: dict[str, Any],
    snapshot: Snapshot | None = None,
    incremental: bool = False,
    force: bool = False,
) -> Backup:
    """Write a backup, its reservations and its run in one transaction. ``force``: of a volume in use too.

    Raises VolumeNotFound (404), InvalidVolume, InvalidSnapshot and InvalidBackup (400), OverLimit (413),
    NoBackupService (503).
    """
    with transaction.atomic():
        row = volumes.locked(volume)
        backends.check_backups(host=row.host)
        kept = _begin_of_snapshot(row, snapshot) if snapshot is not None else None
        if kept is None:
            _begin_of_volume(row, force)
        parent = _parent(row, kept) if incremental else None
        backup = _row(context, row, kept, parent, values)
        backup.save(force_insert=True)
        if (key := key_selectors.of_volume(volume_id=row.id) if row.encrypted else None) is not None:
            volume_keys.copy(key=key, backup=backup)
        also = (states.SNAPSHOT, kept.id) if kept is not None else (states.SUBJECT, row.id)
        _start(row.id, lambda: rpcapi.create_backup(context=context, backup=backup, also=also))
        audit.record("backup.create", "backup", backup.id)
        quotas.reserve(project_id=backup.project_id, each=quota_amounts.of_backup(backup), consumer=backup.id)
    return backup


def _row(
    context: RequestContext, volume: Volume, kept: Snapshot | None, parent: Backup | None, values: dict[str, Any]
) -> Backup:
    """Return the unsaved row of a new backup."""
    return Backup(
        project_id=str(context.project_id or volume.project_id),
        user_id=context.user_id or "",
        name=values.get("name") or "",
        description=values.get("description"),
        volume_id=volume.id,
        snapshot_id=kept.id if kept is not None else None,
        parent=parent,
        size=kept.size if kept is not None else volume.size,
        volume_facts={
            "metadata": volume.metadata,
            "image_metadata": volume.image_metadata,
            "bootable": volume.bootable,
            **({"volume_type": str(volume.volume_type_id)} if volume.encrypted else {}),
        },
        container=values.get("container") or settings.BACKUP_CONTAINER,
        availability_zone=values.get("availability_zone") or volume.availability_zone,
        host=volume.host,
        metadata=values.get("metadata") or {},
        plan=values.get("plan"),
        data_at=kept.created_at if kept is not None else timezone.now(),
    )


def _begin_of_volume(row: Volume, force: bool) -> None:
    if row.status not in (states.AVAILABLE, states.IN_USE):
        raise exceptions.InvalidVolume(
            reason=f"Volume to be backed up must be available or in-use, but the current status is {row.status}."
        )
    if row.status == states.IN_USE and not force:
        raise exceptions.InvalidVolume(reason="Backing up an in-use volume must use the force flag.")
    volumes.check_copied_in_use(row)
    Volume.objects.filter(id=row.id).update(
        status=states.BACKING_UP, previous_status=row.status, updated_at=timezone.now()
    )


def _begin_of_snapshot(row: Volume, snapshot: Snapshot) -> Snapshot:
    kept = snapshots.locked(snapshot)
    if kept.volume_id != row.id:
        raise exceptions.InvalidSnapshot(reason=f"Snapshot {kept.id} is not one of volume {row.id}.")
    if kept.status != states.AVAILABLE:
        raise exceptions.InvalidSnapshot(
            reason=f"Snapshot to be backed up must be available, but the current status is {kept.status}."
        )
    Snapshot.objects.filter(id=kept.id).update(status=states.BACKING_UP, updated_at=timezone.now())
    return kept


def _parent(row: Volume, snapshot: Snapshot | None) -> Backup:
    """Return the backup that an incremental one is based on, which stays until this one is deleted."""
    newest = selectors.newest(volume_id=row.id, project_id=row.project_id)
    parent = locks.backup(newest.id) if newest is not None else None
    if parent is None or parent.status not in (states.AVAILABLE, states.RESTORING):
        raise exceptions.InvalidBackup(reason="No backups available to do an incremental backup.")
    if snapshot is not None and snapshot.created_at < parent.data_at:
        raise exceptions.InvalidBackup(reason="The snapshot is older than the last backup of its volume.")
    return parent


def _start(volume_id: uuid.UUID, start: Any) -> None:
    try:
        start()
    except IntegrityError:
        raise exceptions.InvalidVolume(reason=f"Volume {volume_id} is busy; try again.") from None


def update(*, backup: Backup, values: dict[str, Any]) -> Backup:
    """Change the values that users may change: name, description, metadata."""
    Backup.objects.filter(id=backup.id, deleted_at=None).update(**values, updated_at=timezone.now())
    backup.refresh_from_db()
    return backup


@transaction.atomic
def restore(*, context: RequestContext, backup: Backup, volume: Volume) -> None:
    """Begin to write the backup to a volume that nothing uses.

    Raises InvalidBackup, InvalidVolume (400), NoBackupService (503).
    """
    row = volumes.locked(volume)
    backends.check_backups(host=row.host)
    kept = locked(backup)
    backup_states.check_restorable(kept)
    if row.status not in (states.AVAILABLE, states.ERROR_RESTORING):
        raise exceptions.InvalidVolume(reason=f"Volume to be restored to must be available, not {row.status}")
    if not volume_keys.fits(volume=row, backup=kept):
        raise exceptions.InvalidVolume(
            reason="the backup and the volume are not encrypted in the same way: restore to a new volume"
        )
    if row.encrypted and not volume_keys.is_of_backup(volume=row, backup=kept):
        if Snapshot.objects.filter(volume_id=row.id, deleted_at=None).exists():
            raise exceptions.InvalidVolume(
                reason="the volume has snapshots, which another key opens than the backup: restore to a new volume"
            )
        volumes.check_copies(row)
    if row.size < kept.size:
        raise exceptions.InvalidVolume(
            reason=f"volume size {row.size} is too small to restore backup of size {kept.size}."
        )
    now = timezone.now()
    Volume.objects.filter(id=row.id).update(
        status=states.RESTORING_BACKUP, previous_status=row.status, updated_at=now, error=""
    )
    Backup.objects.filter(id=kept.id).update(status=states.RESTORING, restoring_id=row.id, updated_at=now)
    _start(row.id, lambda: rpcapi.restore_backup(context=context, backup=kept, volume=row))
    audit.record("backup.restore", "backup", kept.id, details={"volume": str(row.id)})


@transaction.atomic
def delete(*, context: RequestContext, backup: Backup, force: bool = False) -> None:
    """Begin to delete. ``force``: in every status. A deletion of a backup that is being deleted changes nothing.

    Raises BackupNotFound (404), InvalidBackup (400).
    """
    row = _locked_with_source(backup)
    active = run_selectors.has_active(subject_type=states.BACKUP, subject_id=row.id)
    if row.status == states.DELETING and active:
        return
    if row.status not in (*states.BACKUP_DELETABLE, states.DELETING) and not force:
        raise exceptions.InvalidBackup(reason=f"Backup status must be available or error, not {row.status}")
    if selectors.has_children(backup_id=row.id):
        raise exceptions.InvalidBackup(reason="Incremental backups exist for this backup.")
    _abandon(row)
    cancelled = runs.cancel_active(subject_type=states.BACKUP, subject_id=row.id, reason="The backup was deleted.")
    Backup.objects.filter(id=row.id).update(status=states.DELETING, updated_at=timezone.now())
    params = {"cancelled": str(cancelled.id)} if cancelled is not None else {}
    rpcapi.delete_backup(context=context, backup=row, params=params)
    audit.record("backup.delete", "backup", row.id)


def _locked_with_source(backup: Backup) -> Backup:
    """Lock the backup, and before it the rows that a run of it works on."""
    for volume_id in sorted({backup.volume_id, backup.restoring_id or backup.volume_id}):
        locks.volume(volume_id)
    if backup.snapshot_id is not None:
        locks.snapshot(backup.snapshot_id)
    return locked(backup)


def _abandon(row: Backup) -> None:
    """Free what the run of a backup works on: it is cancelled."""
    if row.status == states.CREATING:
        backup_states.free_source(backup=row)
    if row.status == states.RESTORING:
        backup_states.mark_restore_failed(backup=row, message="The restoration was cancelled.")


def locked(backup: Backup) -> Backup:
    """Lock the backup's row in the caller's transaction and return it as it is now. Raises BackupNotFound (404)."""
    row = locks.backup(backup.id)
    if row is None:
        raise exceptions.BackupNotFound(backup=backup.id)
    return row


@transaction.atomic
def reset_status(*, backup: Backup, status: str) -> None:
    """Set the status that an operator names. A run that works on the backup is cancelled, and frees its volume."""
    row = _locked_with_source(backup)
    _abandon(row)
    runs.cancel_active(subject_type=states.BACKUP, subject_id=row.id, reason="An operator reset the status.")
    reservations.commit(consumers=[row.id])
    Backup.objects.filter(id=row.id).update(status=status, restoring_id=None, updated_at=timezone.now())
    audit.record("backup.reset_status", "backup", row.id, details={"status": status})
