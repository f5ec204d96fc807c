"""Writing snapshots: creation, updates, deletion; each change of the status is a compare-and-swap."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.quotas.services import reservations
from apps.volumes import exceptions, locks, rpcapi, states
from apps.volumes.models import Snapshot, Volume
from apps.volumes.selectors import quota_amounts
from apps.volumes.services import quotas, volume_requests, volumes
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs


def create(*, context: RequestContext, volume: Volume, values: dict[str, Any], attached_too: bool = False) -> Snapshot:
    """Write a snapshot, its reservations and its run in one transaction. ``attached_too``: of a volume in use too.

    Raises VolumeNotFound (404), InvalidVolume (400), OverLimit (413).
    """
    return create_all(context=context, rows=[volume], values=values, attached_too=attached_too)[0]


@transaction.atomic
def create_all(
    *, context: RequestContext, rows: Sequence[Volume], values: dict[str, Any], attached_too: bool = False
) -> list[Snapshot]:
    """The same for several volumes: all, or none. ``ids`` of the values: the snapshots' IDs by those of the volumes.
    ``kept_as``: what the pool calls one that it has already. ``moment``: an ID that they share, if guests wait until
    all are made; ``must_wait``: one for which a guest does not wait fails.

    Returns the snapshots in the order of the volumes.
    """
    legal = (states.AVAILABLE, states.IN_USE) if attached_too else (states.AVAILABLE,)
    by_id = {row.id: row for row in (volumes.locked(volume) for volume in sorted(rows, key=lambda row: row.id))}
    for row in by_id.values():
        if row.status not in legal:
            raise exceptions.InvalidVolume(
                reason=f"Volume {row.id} status must be {' or '.join(legal)}, but current status is: {row.status}."
            )
        if not values.get("kept_as"):
            volumes.check_copied_in_use(row)
    ids = values.get("ids") or {}
    made = [
        volume_requests.snapshot_of(context=context, volume=by_id[row.id], values={"id": ids.get(row.id), **values})
        for row in rows
    ]
    for snapshot in made:
        snapshot.save(force_insert=True)
        audit.record("snapshot.create", "snapshot", snapshot.id)
    for snapshot in made:
        if values.get("kept_as"):
            rpcapi.manage_snapshot(context=context, snapshot=snapshot, kept_as=values["kept_as"])
        else:
            rpcapi.create_snapshot(
                context=context,
                snapshot=snapshot,
                moment=values.get("moment"),
                must_wait=bool(values.get("must_wait")),
            )
    for snapshot in made:  # last, because the usage's rows stay locked until the commit
        quotas.reserve(project_id=snapshot.project_id, each=quota_amounts.of_snapshot(snapshot), consumer=snapshot.id)
    return made


def update(*, snapshot: Snapshot, values: dict[str, Any]) -> Snapshot:
    """Change the values that users may change: name, description."""
    Snapshot.objects.filter(id=snapshot.id, deleted_at=None).update(**values, updated_at=timezone.now())
    snapshot.refresh_from_db()
    return snapshot


@transaction.atomic
def delete(*, context: RequestContext, snapshot: Snapshot, force: bool = False) -> None:
    """Begin to delete. ``force``: in every status. A deletion of a snapshot that is being deleted changes nothing.

    Raises SnapshotNotFound (404), InvalidSnapshot (400).
    """
    volume = locks.volume(snapshot.volume_id)
    if volume is None:
        raise exceptions.SnapshotNotFound(snapshot=snapshot.id)
    row = locked(snapshot)
    active = run_selectors.has_active(subject_type=states.SNAPSHOT, subject_id=row.id)
    if row.status == states.DELETING and (active or volume.status == states.DELETING):
        return
    if row.status not in (*states.SNAPSHOT_DELETABLE, states.DELETING) and not force:
        legal = " or ".join(states.SNAPSHOT_DELETABLE)
        raise exceptions.InvalidSnapshot(reason=f"Snapshot status must be {legal}, not {row.status}")
    if row.group_snapshot_id is not None and not force:
        raise exceptions.InvalidSnapshot(reason=f"Snapshot {row.id} belongs to group snapshot {row.group_snapshot_id}.")
    volumes.check_snapshot_copies(row)
    cancelled = runs.cancel_active(subject_type=states.SNAPSHOT, subject_id=row.id, reason="The snapshot was deleted.")
    Snapshot.objects.filter(id=row.id).update(status=states.DELETING, updated_at=timezone.now())
    rpcapi.delete_snapshot(context=context, snapshot=row, cancelled=cancelled)
    audit.record("snapshot.delete", "snapshot", row.id)


def locked(snapshot: Snapshot) -> Snapshot:
    """Lock the snapshot's row in the caller's transaction and return it as it is now. Raises SnapshotNotFound (404)."""
    row = locks.snapshot(snapshot.id)
    if row is None:
        raise exceptions.SnapshotNotFound(snapshot=snapshot.id)
    return row


@transaction.atomic
def reset_status(*, snapshot: Snapshot, status: str) -> None:
    """Set the status that an operator names. A run that works on the snapshot is cancelled."""
    row = locked(snapshot)
    runs.cancel_active(subject_type=states.SNAPSHOT, subject_id=row.id, reason="An operator reset the status.")
    reservations.commit(consumers=[row.id])
    Snapshot.objects.filter(id=row.id).update(status=status, updated_at=timezone.now())
    audit.record("snapshot.reset_status", "snapshot", row.id, details={"status": status})


@transaction.atomic
def report_status(*, snapshot: Snapshot, status: str, progress: int | None = None) -> None:
    """Move a snapshot that is made or deleted outside of the back end (os-update_snapshot_status).

    Raises InvalidSnapshot (400) for a move that no table of Cinder's has.
    """
    row = locked(snapshot)
    moves = {states.CREATING: (states.CREATING, states.AVAILABLE, states.ERROR),
             states.DELETING: (states.DELETING, states.ERROR_DELETING)}  # fmt: skip
    if status not in moves.get(row.status, ()):
        raise exceptions.InvalidSnapshot(reason=f"Snapshot status {row.status} cannot become {status}.")
    values = {"progress": progress} if progress is not None else {}
    Snapshot.objects.filter(id=row.id).update(status=status, updated_at=timezone.now(), **values)
    if status in (states.AVAILABLE, states.ERROR):
        reservations.commit(consumers=[row.id])
