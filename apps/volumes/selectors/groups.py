"""Reading groups of volumes and their snapshots. Their states are those of their volumes and snapshots."""

from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes import states
from apps.volumes.exceptions import GroupNotFound, GroupSnapshotNotFound
from apps.volumes.models import Group, GroupSnapshot, Snapshot, Volume

QUOTA = "groups"
_VOLUMES = Volume.objects.filter(group_id=OuterRef("id"), deleted_at=None)
_SNAPSHOTS = Snapshot.objects.filter(group_snapshot_id=OuterRef("id"), deleted_at=None)


def _state(members: QuerySet[Any], *, making: tuple[str, ...], own: Q) -> Case:
    """Return the expression of a row's status: what an operator set, or what its members are."""
    return Case(
        When(is_deleting=True, then=Value(states.DELETING)),
        When(~Q(status=""), then=F("status")),
        When(own, then=Value(states.AVAILABLE)),
        When(Exists(members.filter(status__in=making)), then=Value(states.CREATING)),
        When(Exists(members.filter(status=states.ERROR)), then=Value(states.ERROR)),
        default=Value(states.AVAILABLE),
        output_field=CharField(),
    )


# A group that is made of another one is creating until its volumes are there.
_STATE = _state(
    _VOLUMES,
    making=(states.CREATING, states.DOWNLOADING),
    own=Q(source_group_id=None, source_snapshot_id=None),
)
_SNAPSHOT_STATE = _state(_SNAPSHOTS, making=(states.CREATING,), own=Q(pk__in=[]))


def _live(rows: Any, members: Any) -> Any:
    """Leave out what goes with the last of its members, and that has gone."""
    return rows.filter(Q(is_deleting=False) | Exists(members))


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Group]:
    """Return the groups of the caller's project, or of all, with their ``state``."""
    rows: QuerySet[Group] = _live(Group.objects.annotate(state=_STATE), _VOLUMES)
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


def status_of(row: Group | GroupSnapshot) -> str:
    """Return the status of a group, or of a snapshot of one, as it was read."""
    state: str = row.state  # type: ignore[union-attr]  # annotated by ``visible`` and ``visible_snapshots``
    return state


def visible_snapshots(*, context: RequestContext, all_projects: bool = False) -> QuerySet[GroupSnapshot]:
    """Return the group snapshots of the caller's project, or of all, with their ``state``. Their groups are joined."""
    all_rows = GroupSnapshot.objects.select_related("group").annotate(state=_SNAPSHOT_STATE)
    rows: QuerySet[GroupSnapshot] = _live(all_rows, _SNAPSHOTS)
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


def count(project_id: str) -> int:
    """Return how many groups a project has. 1 query."""
    return Group.objects.filter(project_id=project_id, is_deleting=False).count()
