"""Pipelines' writes to a snapshot's row: every one is a compare-and-swap along the legal moves."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.quotas.services import reservations
from apps.volumes import locks, states
from apps.volumes.models import Snapshot
from apps.volumes.selectors import quota_amounts
from apps.volumes.services import messages
from apps.volumes.sql import snapshots as sql
from apps.workflow.services.claims import ClaimArguments, ClaimExtension

_BEGIN_WITH_CLAIM = ClaimExtension(
    name="snapshot", lock=sql.LOCK_SUBJECT, change=sql.BEGIN_OF_CLAIMED, types=sql.BEGIN_TYPES
)


def begin(*, snapshot_id: uuid.UUID, status: str) -> Snapshot | None:
    """Move the snapshot to ``status`` and return its row. None: no way leads there. 1 query."""
    return next((sql.ROW.read(row) for row in sql.BEGIN.fetch({**_move_to(status), "id": snapshot_id})), None)


def begin_with_claim(*, status: str) -> ClaimArguments:
    """Return the same as a part of a step's claim, which gives the row's values: ``read_claimed`` reads them."""
    return ClaimArguments(extension=_BEGIN_WITH_CLAIM, values=_move_to(status))


def read_claimed(row: Sequence[Any]) -> Snapshot:
    return sql.ROW.read(row)


def _move_to(status: str) -> dict[str, Any]:
    return {"status": status, "before": list(states.SNAPSHOT_MOVES[status])}


def move(*, snapshot_id: uuid.UUID, status: str, before: Sequence[str] | None = None, **values: Any) -> bool:
    """Move the snapshot to ``status``, with other values of its row. False: no way leads there. 1 query."""
    rows = Snapshot.objects.filter(id=snapshot_id, deleted_at=None, status__in=before or states.SNAPSHOT_MOVES[status])
    return bool(rows.update(status=status, updated_at=timezone.now(), **values))


@transaction.atomic
def mark_available(*, snapshot_id: uuid.UUID) -> bool:
    """The snapshot is made: its reservations are in use. False: it is not being created."""
    moved = move(snapshot_id=snapshot_id, status=states.AVAILABLE, before=(states.CREATING,), progress=100, error="")
    if moved:
        reservations.commit(consumers=[snapshot_id])
    return moved


@transaction.atomic
def mark_error(*, snapshot_id: uuid.UUID, message: str) -> bool:
    """ERROR with a sentence that the user may read. It counts against its quota until it is deleted."""
    moved = move(snapshot_id=snapshot_id, status=states.ERROR, error=message)
    if moved:
        messages.write(row=Snapshot.objects.get(id=snapshot_id), event="create snapshot", text=message)
        reservations.commit(consumers=[snapshot_id])
    return moved


@transaction.atomic
def mark_deleted(*, snapshot_id: uuid.UUID) -> None:
    """The last act of a deletion: the row is marked, its usage is given back, once."""
    snapshot = locks.snapshot(snapshot_id)
    if snapshot is None:
        return
    mark_rows_deleted([snapshot])
    release_quota([snapshot])


def mark_rows_deleted(snapshots: Sequence[Snapshot]) -> None:
    """Mark the rows of snapshots that the caller has locked. Their usage is given back later (``release_quota``)."""
    now = timezone.now()
    rows = Snapshot.objects.filter(id__in=[snapshot.id for snapshot in snapshots])
    rows.update(status=states.DELETED, deleted_at=now, updated_at=now, error="")


def release_quota(snapshots: Sequence[Snapshot]) -> None:
    """Give back the usage of deleted snapshots, last in the caller's transaction."""
    for snapshot in snapshots:
        reservations.release(
            owner_id=snapshot.project_id, each=quota_amounts.of_snapshot(snapshot), consumer=snapshot.id
        )


def keep(*, snapshot_id: uuid.UUID, message: str) -> None:
    """The snapshot was not released, and is as before."""
    move(snapshot_id=snapshot_id, status=states.AVAILABLE, before=(states.DELETING,), error=message)


def mark_delete_failed(*, snapshot_id: uuid.UUID, message: str) -> bool:
    """The deletion failed: error_deleting, from which it may be deleted again."""
    return move(snapshot_id=snapshot_id, status=states.ERROR_DELETING, error=message)


def tell_crash_consistent(*, snapshot_id: uuid.UUID, server_ids: Sequence[str]) -> None:
    """Tell the snapshot's project that it has what a power cut would leave: guests did not wait while it was made."""
    row = Snapshot.objects.filter(id=snapshot_id).first()
    if row is not None:
        text = (
            f"The agent in the server {', '.join(server_ids)} did not freeze its file systems: the snapshot has what "
            "a power cut would leave."
        )
        messages.write(row=row, event="create snapshot", text=text)
