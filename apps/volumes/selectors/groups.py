"""Reading groups of volumes and their snapshots. Their states are those of their volumes and snapshots."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes import states
from apps.volumes.exceptions import GroupNotFound, GroupSnapshotNotFound
from apps.volumes.models import Group, GroupSnapshot, Snapshot, Volume

QUOTA = "groups"
_VOLUMES = Volume.objects.filter(group_id=OuterRef("id"), deleted_at=None)
_SNAPSHOTS = Snapshot.objects.filter(group_snapshot_id=OuterRef("id"), deleted_at=None)
_MADE = (states.CREATING, states.DOWNLOADING)


def _live(rows: Any, members: Any) -> Any:
    """Leave out what goes with the last of its members, and that has gone."""
    return rows.filter(Q(is_deleting=False) | Exists(members))


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Group]:
    """Return the groups of the caller's project, or of all."""
    rows: QuerySet[Group] = _live(Group.objects.all(), _VOLUMES)
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, group_id: Any) -> Group:
    """Return a group of the caller's project (of any, for administrators). Raises GroupNotFound (404)."""
    key = parse_uuid(group_id)
    row = visible(context=context, all_projects=context.is_admin).filter(id=key).first() if key else None
    if row is None:
        raise GroupNotFound(group=str(group_id)[:64])
    return row


def volumes_of(group: Group) -> list[Volume]:
    """Return the group's volumes, oldest first. 1 query."""
    return list(Volume.objects.filter(group_id=group.id, deleted_at=None).order_by("created_at", "id"))


def status_of(group: Group) -> str:
    """A group that is made of another one is creating until its volumes are there. At most 1 query."""
    if group.is_deleting:
        return states.DELETING
    if group.status or not (group.source_group_id or group.source_snapshot_id):
        return group.status or states.AVAILABLE
    statuses = {volume.status for volume in volumes_of(group)}
    if statuses & set(_MADE):
        return states.CREATING
    return states.ERROR if states.ERROR in statuses else states.AVAILABLE


def visible_snapshots(*, context: RequestContext, all_projects: bool = False) -> QuerySet[GroupSnapshot]:
    """Return the group snapshots of the caller's project, or of all. Their groups are joined."""
    rows: QuerySet[GroupSnapshot] = _live(GroupSnapshot.objects.select_related("group"), _SNAPSHOTS)
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get_snapshot(*, context: RequestContext, group_snapshot_id: Any) -> GroupSnapshot:
    """Raises GroupSnapshotNotFound (404)."""
    key = parse_uuid(group_snapshot_id)
    rows = visible_snapshots(context=context, all_projects=context.is_admin)
    row = rows.filter(id=key).first() if key else None
    if row is None:
        raise GroupSnapshotNotFound(snapshot=str(group_snapshot_id)[:64])
    return row


def has_snapshots(group: Group) -> bool:
    """Return whether a snapshot of the group is not gone. 1 query."""
    return bool(_live(GroupSnapshot.objects.filter(group=group), _SNAPSHOTS).exists())


def snapshots_of(row: GroupSnapshot) -> list[Snapshot]:
    """Return the snapshots with their volumes, oldest first. 1 query."""
    rows = Snapshot.objects.filter(group_snapshot_id=row.id, deleted_at=None).select_related("volume")
    return list(rows.order_by("created_at", "id"))


def snapshot_status_of(row: GroupSnapshot) -> str:
    """At most 1 query."""
    if row.is_deleting or row.status:
        return states.DELETING if row.is_deleting else row.status
    statuses = {snapshot.status for snapshot in snapshots_of(row)}
    if states.CREATING in statuses:
        return states.CREATING
    return states.ERROR if states.ERROR in statuses else states.AVAILABLE


def count(project_id: str) -> int:
    """Return how many groups a project has. 1 query."""
    return Group.objects.filter(project_id=project_id, is_deleting=False).count()
