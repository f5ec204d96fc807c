"""Volumes, snapshots and backups, and their runs.

Sets:
  busy = volumes, snapshots and backups on which a run should work
  open = those with an open run
Rules:
  busy - open, being created -> in error with the cause; a volume gives back the room that it claimed
  busy - open, extending, or moving to another back end -> as before: available, or in use
  busy - open, backed up, reverted, or read for an image -> as before: available, or in use
  busy - open, restored      -> the volume in error_restoring, the backup available
  busy - open, being deleted -> in error: it can be deleted again
  keys of volumes and backups that are deleted, or in clear text, or of copies that nobody makes -> removed
  kept for a swap - open, whose server is gone or elsewhere, or to which an operator gave a status -> freed; the others:
                             workers/host/reconcilers/swaps.py
  replaced by a swap - open -> freed
  the target of a move that may be the guest's -> kept until the server's host has said it, or an operator has set a
                                                   status: then given up
A row and its run are written in one transaction, at the beginning and at the end.
"""

import uuid

from apps.compute.selectors import volume_swaps
from apps.compute.services import volume_swaps as swaps
from apps.operations.consistency import rows
from apps.volumes import states
from apps.volumes.selectors import attachments, backups, volume_keys
from apps.volumes.services import attachments as services
from apps.volumes.services import backup_states, cut_moves, snapshot_states, volume_migrations, volume_states
from apps.volumes.services import volume_keys as key_services
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.engine.subjects import BACKUP, SNAPSHOT, VOLUME

KIND = "volume"
SNAPSHOT_KIND = "snapshot"
BACKUP_KIND = "backup"
KINDS = (KIND, SNAPSHOT_KIND, BACKUP_KIND)
LOST = "The run that worked on it was lost."


def reconcile(report: FindingReport) -> None:
    for volume_id, status in rows.stuck_volumes():
        _free_volume(report, volume_id, status)
    for attachment_id, volume_id in rows.left_attachments():
        _free_attachment(report, attachment_id, volume_id)
    for volume_id in rows.given_up_moves():
        _give_up_move(report, volume_id)
    for snapshot_id, status in rows.stuck_snapshots():
        _free_snapshot(report, snapshot_id, status)
    for backup_id, status in rows.stuck_backups():
        _free_backup(report, backup_id, status)
    for owner_id in volume_keys.left():
        _remove_keys(report, owner_id)


def _remove_keys(report: FindingReport, owner_id: uuid.UUID) -> None:
    with leases.idle(subject_type=VOLUME.name, subject_id=owner_id) as is_idle:
        if is_idle and key_services.discard_left(owner_id=owner_id):
            report.repaired(KIND, owner_id, found="it has a key, and should have none", done="removed")


def _free_volume(report: FindingReport, volume_id: uuid.UUID, status: str) -> None:
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        if not is_idle or (volume_id, status) not in rows.stuck_volumes():
            return
        if status == states.EXTENDING:
            volume_states.mark_extend_failed(volume_id=volume_id, message=LOST, intact=True)
        elif status == states.DELETING:
            volume_states.mark_delete_failed(volume_id=volume_id, message=LOST)
        elif status in (states.BACKING_UP, states.REVERTING, states.UPLOADING):
            volume_states.restore(volume_id=volume_id, before=(status,))
        elif status in volume_migrations.BUSY:
            cut_moves.stay(volume_id=volume_id, message=LOST)
        elif status == states.RESTORING_BACKUP:
            volume_states.move(volume_id=volume_id, status=states.ERROR_RESTORING, error=LOST)
        else:
            volume_states.clear_host(volume_id=volume_id)
            volume_states.mark_error(volume_id=volume_id, message=LOST)
    report.repaired(KIND, volume_id, found=f"{status}, and no run is open", done="its task was ended")


def _give_up_move(report: FindingReport, volume_id: uuid.UUID) -> None:
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        if not is_idle or volume_id not in rows.given_up_moves():
            return
        cut_moves.stay(volume_id=volume_id, message=LOST)
    report.repaired(KIND, volume_id, found="it keeps the target of a move that was given up", done="freed")


def _free_attachment(report: FindingReport, attachment_id: uuid.UUID, volume_id: uuid.UUID) -> None:
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        if not is_idle or (attachment_id, volume_id) not in rows.left_attachments():
            return
        row = attachments.load(attachment_id=attachment_id)
        old_id = volume_swaps.replaced_by(row) if row is not None and row.status == states.RESERVED else None
        if row is not None and old_id is not None:
            swaps.give_up(attachment_id=old_id, new_attachment_id=row.id)
        elif row is not None:
            services.delete(attachment=row, by_compute=True)
    report.repaired(KIND, volume_id, found="kept for a server, and no run is open", done="freed")


def _free_snapshot(report: FindingReport, snapshot_id: uuid.UUID, status: str) -> None:
    with leases.idle(subject_type=SNAPSHOT.name, subject_id=snapshot_id) as is_idle:
        if not is_idle or (snapshot_id, status) not in rows.stuck_snapshots():
            return
        if status == states.DELETING:
            snapshot_states.mark_delete_failed(snapshot_id=snapshot_id, message=LOST)
        elif status in (states.BACKING_UP, states.RESTORING):
            snapshot_states.move(snapshot_id=snapshot_id, status=states.AVAILABLE, before=(status,))
        else:
            snapshot_states.mark_error(snapshot_id=snapshot_id, message=LOST)
    report.repaired(SNAPSHOT_KIND, snapshot_id, found=f"{status}, and no run is open", done="its task was ended")


def _free_backup(report: FindingReport, backup_id: uuid.UUID, status: str) -> None:
    with leases.idle(subject_type=BACKUP.name, subject_id=backup_id) as is_idle:
        row = backups.load(backup_id=backup_id) if is_idle else None
        if row is None or (backup_id, status) not in rows.stuck_backups():
            return
        if status == states.DELETING:
            backup_states.mark_delete_failed(backup_id=backup_id, message=LOST)
        elif status == states.RESTORING:
            backup_states.end_restore(backup_id=backup_id)
        else:
            backup_states.mark_error(backup=row, message=LOST)
    report.repaired(BACKUP_KIND, backup_id, found=f"{status}, and no run is open", done="its task was ended")
