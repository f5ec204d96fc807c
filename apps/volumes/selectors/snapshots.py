"""Reading snapshots: filtered by project in the query, never in the view."""

import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes import states
from apps.volumes.exceptions import SnapshotNotFound
from apps.volumes.models import Snapshot
from apps.volumes.sql.snapshots import BY_ID, ROW
from apps.workflow import states as workflow
from apps.workflow.selectors import runs

MOMENT = "moment"  # the parameter of runs whose snapshots are of one moment


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Snapshot]:
    """Return the snapshots that are not deleted: of the caller's project, or of all."""
    rows = Snapshot.objects.filter(deleted_at=None)
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, snapshot_id: Any) -> Snapshot:
    """Return a snapshot of the caller's project (of any, for administrators). Raises SnapshotNotFound (404)."""
    key = parse_uuid(snapshot_id)
    snapshot = load(snapshot_id=key) if key else None
    if snapshot is None or not (context.is_admin or snapshot.project_id == context.project_id):
        raise SnapshotNotFound(snapshot=str(snapshot_id)[:64])
    return snapshot


def load(*, snapshot_id: uuid.UUID) -> Snapshot | None:
    """Return a snapshot that is not deleted, without a policy check: for workers. 1 query."""
    return next((ROW.read(row) for row in BY_ID.fetch({"id": snapshot_id})), None)


def awaited(*, volume_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the volumes whose snapshots are still to be made, and of the same moment as one that is made of this
    volume now, with it. 1 query, or 2.
    """
    mine = Snapshot.objects.filter(volume_id=volume_id, status=states.CREATING).values("id")
    going = runs.active().filter(subject_type=states.SNAPSHOT)
    moments = list(
        going.filter(subject_id__in=mine, params__has_key=MOMENT).values_list(f"params__{MOMENT}", flat=True)
    )
    if not moments:
        return set()
    same = going.exclude(state=workflow.REVERTING).filter(**{f"params__{MOMENT}__in": moments}).values("subject_id")
    return set(Snapshot.objects.filter(id__in=same, status=states.CREATING).values_list("volume_id", flat=True))


def of_volume(*, volume_id: uuid.UUID) -> QuerySet[Snapshot]:
    """Return a volume's snapshots, newest first."""
    return Snapshot.objects.filter(volume_id=volume_id, deleted_at=None)


def existing(ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of the IDs have a snapshot that is not deleted. 1 query."""
    return set(Snapshot.objects.filter(id__in=list(ids), deleted_at=None).values_list("id", flat=True))


def names(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of snapshots by ID, of deleted ones too. 1 query."""
    return dict(Snapshot.objects.filter(id__in=list(ids)).values_list("id", "name"))


def ids_like(text: str) -> list[uuid.UUID]:
    """Return the IDs of snapshots whose names contain a text, of deleted ones too. 1 query."""
    return list(Snapshot.objects.filter(name__icontains=text).order_by().values_list("id", flat=True))
