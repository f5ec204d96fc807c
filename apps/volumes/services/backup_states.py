"""Pipelines' writes to a backup's row, and to the volume or the snapshot that it is made of or restored to."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.quotas.services import reservations
from apps.volumes import exceptions, locks, states
from apps.volumes.models import Backup
from apps.volumes.selectors import quota_amounts
from apps.volumes.services import messages, snapshot_states, volume_keys, volume_states
from apps.volumes.sql import backups as sql
from apps.workflow.services.claims import ClaimArguments, ClaimExtension

_BEGIN_WITH_CLAIM = ClaimExtension(
    name="backup", lock=sql.LOCK_SUBJECT, change=sql.BEGIN_OF_CLAIMED, types=sql.BEGIN_TYPES
)


def begin_with_claim(*, status: str) -> ClaimArguments:
    """Return the move to ``status`` as a part of a step's claim, which gives the row's values: ``read_claimed``."""
    values = {"status": status, "before": list(states.BACKUP_MOVES[status])}
    return ClaimArguments(extension=_BEGIN_WITH_CLAIM, values=values)


def read_claimed(row: Sequence[Any]) -> Backup:
    return sql.ROW.read(row)


def move(*, backup_id: uuid.UUID, status: str, before: Sequence[str] | None = None, **values: Any) -> bool:
    """Move the backup to ``status``, with other values of its row. False: no way leads there. 1 query."""
    rows = Backup.objects.filter(id=backup_id, deleted_at=None, status__in=before or states.BACKUP_MOVES[status])
    return bool(rows.update(status=status, updated_at=timezone.now(), **values))


def free_source(*, backup: Backup) -> None:
    """The backup reads its volume, or its snapshot, no more."""
    if backup.snapshot_id is not None:
        before = (states.BACKING_UP,)
        snapshot_states.move(snapshot_id=backup.snapshot_id, status=states.AVAILABLE, before=before)
    else:
        volume_states.restore(volume_id=backup.volume_id, before=(states.BACKING_UP,))


@transaction.atomic
def mark_available(*, backup: Backup, objects: int, stored_bytes: int) -> bool:
    """The backup is whole: its reservations are in use. False: it is not being created."""
    free_source(backup=backup)
    moved = move(
        backup_id=backup.id,
        status=states.AVAILABLE,
        before=(states.CREATING,),
        objects_count=objects,
        stored_bytes=stored_bytes,
        error="",
    )
    if moved:
        reservations.commit(consumers=[backup.id])
    return moved


@transaction.atomic
def mark_error(*, backup: Backup, message: str) -> bool:
    """ERROR with a sentence that the user may read. It counts against its quota until it is deleted."""
    free_source(backup=backup)
    moved = move(backup_id=backup.id, status=states.ERROR, before=(states.CREATING,), error=message)
    if moved:
        messages.write(row=backup, event="create backup", text=message)
        reservations.commit(consumers=[backup.id])
    return moved


def check_restorable(backup: Backup) -> None:
    """Raises InvalidBackup (400)."""
    if backup.status != states.AVAILABLE:
        raise exceptions.InvalidBackup(reason=f"Backup status must be available, not {backup.status}")


def begin_restore(*, backup_id: uuid.UUID, volume_id: uuid.UUID) -> None:
    """Keep a backup for the volume that is made from it, in the caller's transaction.

    Raises BackupNotFound (404), InvalidBackup (400).
    """
    kept = locks.backup(backup_id)
    if kept is None:
        raise exceptions.BackupNotFound(backup=backup_id)
    check_restorable(kept)
    Backup.objects.filter(id=kept.id).update(status=states.RESTORING, restoring_id=volume_id, updated_at=timezone.now())


@transaction.atomic
def mark_restored(*, backup: Backup) -> None:
    """The volume has the backup's content: both are available."""
    if backup.restoring_id is not None:
        volume_keys.replace_by_backups(volume_id=backup.restoring_id, backup_id=backup.id)
        volume_states.restore(volume_id=backup.restoring_id, before=(states.RESTORING_BACKUP,))
    end_restore(backup_id=backup.id)


@transaction.atomic
def mark_restore_failed(*, backup: Backup, message: str) -> None:
    """The volume may be half written: error_restoring. The backup is as it was."""
    messages.write(row=backup, event="restore backup", text=message)
    if backup.restoring_id is not None:
        volume_states.move(volume_id=backup.restoring_id, status=states.ERROR_RESTORING, error=message)
    end_restore(backup_id=backup.id)


def end_restore(*, backup_id: uuid.UUID) -> None:
    """Nothing is restored from the backup any more."""
    move(backup_id=backup_id, status=states.AVAILABLE, before=(states.RESTORING,), restoring_id=None)


@transaction.atomic
def mark_deleted(*, backup_id: uuid.UUID) -> None:
    """The last act of a deletion: the row is marked, its usage is given back, once."""
    backup = locks.backup(backup_id)
    if backup is None:
        return
    now = timezone.now()
    Backup.objects.filter(id=backup_id).update(
        status=states.DELETED, deleted_at=now, updated_at=now, error="", restoring_id=None
    )
    volume_keys.delete(backup_id=backup_id)
    reservations.release(owner_id=backup.project_id, each=quota_amounts.of_backup(backup), consumer=backup_id)


def mark_delete_failed(*, backup_id: uuid.UUID, message: str) -> bool:
    """The deletion failed: error_deleting, from which it may be deleted again."""
    return move(backup_id=backup_id, status=states.ERROR_DELETING, error=message)
