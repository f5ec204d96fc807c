"""Writing volumes: creation, updates, extension, deletion; each change of the status is a compare-and-swap."""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.quotas.services import reservations
from apps.volumes import exceptions, locks, rpcapi, states
from apps.volumes.models import Attachment, Snapshot, Transfer, Volume
from apps.volumes.selectors import pools, quota_amounts
from apps.volumes.services import backup_states, quotas, servers, volume_keys, volume_states
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

DELETED_REASON = "The volume was deleted."


def create(*, context: RequestContext, volume: Volume) -> Volume:
    """Write the volume that ``volume_requests.resolve`` returned, its reservations and its run in one transaction.

    Raises OverLimit (413), and NotFound (404) if its source was deleted meanwhile.
    """
    quotas.check_size(project_id=volume.project_id, size=volume.size)
    with transaction.atomic():
        write(volume=volume)
        rpcapi.create(context=context, volume=volume)
        # Last, because the usage's rows stay locked until the commit.
        quotas.reserve(project_id=volume.project_id, each=quota_amounts.of_volume(volume), consumer=volume.id)
    return volume


def write(*, volume: Volume) -> None:
    """Write the row of a new volume in the caller's transaction. Raises NotFound (404) if its source was deleted."""
    _lock_source(volume)
    volume.save(force_insert=True)
    volume_keys.check_still(volume=volume)
    if volume.encrypted:
        volume_keys.make(volume=volume)
    audit.record("volume.create", "volume", volume.id)


def _lock_source(volume: Volume) -> None:
    """Keep the source from being deleted until the copy's row is committed: deletions look for such rows."""
    if volume.source_volume_id is not None:
        source = locks.volume(volume.source_volume_id)
        if source is None or source.status == states.DELETING:
            raise exceptions.VolumeNotFound(volume=volume.source_volume_id)
    if volume.source_snapshot_id is not None:
        snapshot = locks.snapshot(volume.source_snapshot_id)
        if snapshot is None or snapshot.status != states.AVAILABLE:
            raise exceptions.SnapshotNotFound(snapshot=volume.source_snapshot_id)
    if volume.source_backup_id is not None:
        backup_states.begin_restore(backup_id=volume.source_backup_id, volume_id=volume.id)


def update(*, volume: Volume, values: dict[str, Any]) -> Volume:
    """Change the values that users may change: name, description, metadata."""
    Volume.objects.filter(id=volume.id, deleted_at=None).update(**values, updated_at=timezone.now())
    volume.refresh_from_db()
    return volume


def locked(volume: Volume) -> Volume:
    """Lock the volume's row in the caller's transaction and return it as it is now. Raises VolumeNotFound (404)."""
    row = locks.volume(volume.id)
    if row is None:
        raise exceptions.VolumeNotFound(volume=volume.id)
    return row


@transaction.atomic
def extend(*, context: RequestContext, volume: Volume, new_size: int, attached_too: bool = False) -> None:
    """Begin to extend to ``new_size`` GiB. ``attached_too``: also a volume that a server has.

    Raises InvalidVolume and InvalidInput (400), OverLimit (413).
    """
    quotas.check_size(project_id=volume.project_id, size=new_size)
    row = locked(volume)
    _check_extendable(row, attached_too)
    if new_size <= row.size:
        raise exceptions.InvalidInput(
            reason="New size for extend must be greater than current size. "
            f"(current: {row.size}, extended: {new_size})."
        )
    now = timezone.now()
    Volume.objects.filter(id=row.id).update(status=states.EXTENDING, previous_status=row.status, updated_at=now)
    rpcapi.extend(context=context, volume=row, new_size=new_size)
    audit.record("volume.extend", "volume", row.id)
    quotas.reserve(
        project_id=row.project_id,
        each=quota_amounts.of_extension(row, new_size),
        consumer=row.id,
    )


def _check_extendable(row: Volume, attached_too: bool) -> None:
    """Raise InvalidVolume (400). A snapshot that is being created shall have the size that its row says."""
    legal = (states.AVAILABLE, states.ERROR_EXTENDING, *((states.IN_USE,) if attached_too else ()))
    if row.status not in legal:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be {' or '.join(legal)} to extend, currently {row.status}"
        )
    check_snapshots_made(row)


def check_copied_in_use(row: Volume) -> None:
    """Refuse to copy a volume in use whose data has no layers: one that several servers may have. Ceph copies it.

    Raises InvalidVolume (400).
    """
    if row.status == states.IN_USE and row.format == states.RAW and not pools.is_direct(row.backend):
        raise exceptions.InvalidVolume(
            reason="A volume that several servers may have can be copied only while it is not attached."
        )


def check_snapshots_made(row: Volume) -> None:
    """Refuse while a snapshot is made: it is to have what the volume had when it was asked for."""
    if Snapshot.objects.filter(volume_id=row.id, deleted_at=None, status=states.CREATING).exists():
        raise exceptions.InvalidVolume(reason=f"A snapshot of volume {row.id} is being created.")


@transaction.atomic
def revert(*, context: RequestContext, volume: Volume, snapshot_id: uuid.UUID) -> None:
    """Begin to give the volume the content of its newest snapshot again.

    Raises SnapshotNotFound (404), InvalidVolume, InvalidSnapshot and InvalidInput (400).
    """
    row, snapshot = locked(volume), locks.snapshot(snapshot_id)
    if snapshot is None or snapshot.volume_id != row.id:
        raise exceptions.SnapshotNotFound(snapshot=snapshot_id)
    if row.status != states.AVAILABLE:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} status must be available to revert, not {row.status}.")
    if snapshot.status != states.AVAILABLE:
        raise exceptions.InvalidSnapshot(reason=f"Snapshot status must be available, not {snapshot.status}")
    newest = Snapshot.objects.filter(volume_id=row.id, deleted_at=None).order_by("-created_at", "-id").first()
    if newest is not None and newest.id != snapshot.id:
        raise exceptions.InvalidInput(reason=f"Snapshot {snapshot.id} is not the latest one of volume {row.id}.")
    if snapshot.size != row.size:
        raise exceptions.InvalidInput(
            reason=f"Volume {row.id} has {row.size} GiB, and had {snapshot.size} when the snapshot was made."
        )
    now = timezone.now()
    Volume.objects.filter(id=row.id).update(status=states.REVERTING, previous_status=row.status, updated_at=now)
    Snapshot.objects.filter(id=snapshot.id).update(status=states.RESTORING, updated_at=now)
    rpcapi.revert(context=context, volume=row, snapshot_id=snapshot.id)
    audit.record("volume.revert", "volume", row.id, details={"snapshot": str(snapshot.id)})


@transaction.atomic
def delete(
    *, context: RequestContext, volume: Volume, cascade: bool = False, force: bool = False, with_group: bool = False
) -> None:
    """Begin to delete. ``cascade``: with its snapshots. ``force``: in every status, if no server has it.
    ``with_group``: its group goes, too.

    A deletion of a volume that is being deleted changes nothing. Raises VolumeNotFound (404), InvalidVolume (400).
    """
    row = locked(volume)
    _check_not_moving(row)
    active = run_selectors.has_active(subject_type=states.SUBJECT, subject_id=row.id)
    if row.status == states.DELETING and active:
        return
    if row.status not in (*states.DELETABLE, states.DELETING) and not force:
        raise exceptions.InvalidVolume(
            reason="Volume status must be available or error or error_restoring or error_extending or error_managing "
            "and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be "
            "disassociated from snapshots after volume transfer."
        )
    if row.group_id is not None and not (force or with_group):
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} belongs to group {row.group_id}.")
    if Attachment.objects.filter(volume_id=row.id, at_target=False).exists():
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is still attached, detach volume first.")
    check_copies(row)
    _delete_snapshots(row, cascade)
    volume_states.end_restores(volume_id=row.id)
    cancelled = runs.cancel_active(subject_type=states.SUBJECT, subject_id=row.id, reason=DELETED_REASON)
    _begin_delete(row)
    rpcapi.delete(context=context, volume=row, cancelled=cancelled)
    audit.record("volume.delete", "volume", row.id)


def _check_not_moving(row: Volume) -> None:
    """Its data is in two places: the run has to end, or to be cancelled by an operator, which undoes it."""
    active = run_selectors.has_active(subject_type=states.SUBJECT, subject_id=row.id)
    if row.migration_status in states.MOVING and active:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is migrating.")


def _begin_delete(row: Volume) -> None:
    Transfer.objects.filter(volume_id=row.id).delete()
    Volume.objects.filter(id=row.id).update(
        status=states.DELETING, previous_status=row.status, updated_at=timezone.now()
    )
    volume_states.cancel_extension(volume_id=row.id)


def check_copies(row: Volume) -> None:
    """Refuse while a copy is made of the volume: it reads the volume's data."""
    copies = Volume.objects.filter(
        source_volume_id=row.id, deleted_at=None, status__in=(states.CREATING, states.DOWNLOADING)
    )
    if copies.exists():
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is the source of a volume that is being created.")


def _delete_snapshots(row: Volume, cascade: bool) -> None:
    """Refuse while there are snapshots. ``cascade``: they are deleted with the volume, by its run."""
    snapshots = list(Snapshot.objects.filter(volume_id=row.id, deleted_at=None).order_by("id"))
    if snapshots and not cascade:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} still has {len(snapshots)} dependent snapshots, delete them first."
        )
    for snapshot in snapshots:
        locks.snapshot(snapshot.id)
        check_snapshot_copies(snapshot)
    for snapshot in snapshots:
        runs.cancel_active(subject_type=states.SNAPSHOT, subject_id=snapshot.id, reason=DELETED_REASON)
        Snapshot.objects.filter(id=snapshot.id).update(status=states.DELETING, updated_at=timezone.now())


def check_snapshot_copies(snapshot: Snapshot) -> None:
    """Refuse while a volume is made of the snapshot. Raises InvalidSnapshot (400)."""
    copies = Volume.objects.filter(
        source_snapshot_id=snapshot.id, deleted_at=None, status__in=(states.CREATING, states.DOWNLOADING)
    )
    if copies.exists():
        raise exceptions.InvalidSnapshot(
            reason=f"Snapshot {snapshot.id} is the source of a volume that is being created."
        )


def _check_not_swapped(row: Volume) -> None:
    """Raise InvalidVolume (400) while the volume takes another one's place, or the other way round: the run knows which
    of them a guest has.
    """
    active = run_selectors.active_of(subject_type=states.SUBJECT, subject_id=row.id)
    if active is not None and "new_attachment" in active.params:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is being swapped; cancel that first.")


def reset_status(*, volume: Volume, values: dict[str, str]) -> None:
    """Set the status that an operator names (os-reset_status). A run that works on the volume is cancelled.

    ``attach_status`` "detached" removes the attachments that the compute service did not make, and those of servers
    that were deleted. An offer to another project is withdrawn.
    """
    with transaction.atomic():
        row = locked(volume)
        _check_not_moving(row)
        _check_not_swapped(row)
        volume_states.end_restores(volume_id=row.id)
        runs.cancel_active(subject_type=states.SUBJECT, subject_id=row.id, reason="An operator reset the status.")
        volume_states.cancel_extension(volume_id=row.id)
        reservations.commit(consumers=[row.id])
        if values.get("attach_status") == "detached":
            _drop_attachments(row)
        Transfer.objects.filter(volume_id=row.id).delete()
        status = values.get("status") or row.status
        if "migration_status" in values:
            Volume.objects.filter(id=row.id).update(migration_status="")
        Volume.objects.filter(id=row.id).update(status=status, updated_at=timezone.now())
        audit.record("volume.reset_status", "volume", row.id, details={"status": status})


@transaction.atomic
def set_read_only(*, volume: Volume, read_only: bool) -> None:
    """Make a volume read-only, or writable again. Raises InvalidVolume (400) unless it is available."""
    row = locked(volume)
    if row.status != states.AVAILABLE:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be available to update readonly flag, but current status is: "
            f"{row.status}."
        )
    metadata = {**row.metadata, "readonly": str(read_only)}  # as Cinder shows it
    Volume.objects.filter(id=row.id).update(read_only=read_only, metadata=metadata, updated_at=timezone.now())


def _drop_attachments(row: Volume) -> None:
    for attachment in Attachment.objects.filter(volume_id=row.id):
        if not attachment.by_compute or servers.is_gone(attachment.server_id):
            attachment.delete()


def set_bootable(*, volume: Volume, bootable: bool) -> None:
    Volume.objects.filter(id=volume.id, deleted_at=None).update(bootable=bootable, updated_at=timezone.now())
