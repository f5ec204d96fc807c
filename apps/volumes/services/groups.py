"""Writing groups of volumes, and snapshots of all volumes of one.

Each volume and each snapshot is made and deleted in its own transaction, by its own run. What cannot be made whole is
given up: what was begun is deleted.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import CloudError
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.services import counting
from apps.scheduling.selectors import hosts
from apps.volumes import exceptions, states
from apps.volumes.models import Group, GroupSnapshot, GroupType, Snapshot, Volume, VolumeType
from apps.volumes.selectors import groups as selectors
from apps.volumes.services import snapshots, volume_requests, volumes

MAX_VOLUMES = MAX_SNAPSHOTS = 64  # of one group
# What a group type may promise and this cloud does not keep.
NOT_OFFERED = {
    "consistent_group_snapshot_enabled": "snapshots of a group at one moment",
    "consistent_group_replication_enabled": "replication of groups",
    "group_replication_enabled": "replication of groups",
}
LEGAL = (states.AVAILABLE, states.IN_USE)  # of volumes that join, and that are snapshotted


def create(
    *, context: RequestContext, values: dict[str, Any], group_type: GroupType, volume_types: Iterable[VolumeType]
) -> Group:
    """Write a group without volumes. Raises InvalidInput (400), OverLimit (413)."""
    for spec, what in NOT_OFFERED.items():
        if group_type.group_specs.get(spec, "").strip().lower() == "<is> true":
            raise exceptions.InvalidInput(reason=f"this cloud does not offer {what} ({spec})")
    zone = values.get("availability_zone") or ""
    if zone and not hosts.zone_exists(zone=zone):
        raise exceptions.InvalidInput(reason=f"Availability zone '{zone[:64]}' is invalid.")
    return _write(
        Group(
            project_id=str(context.project_id),
            user_id=context.user_id or "",
            name=values.get("name") or "",
            description=values.get("description"),
            group_type=group_type,
            volume_type_ids=[str(kind.id) for kind in volume_types],
            availability_zone=zone or settings.DEFAULT_ZONE,
        )
    )


@transaction.atomic
def _write(group: Group) -> Group:
    try:
        counting.check(owner_id=group.project_id, resource=selectors.QUOTA)
    except QuotaExceeded as error:
        raise exceptions.OverLimit(f"Maximum number of groups allowed ({error.values['allowed']}) exceeded.") from None
    group.save(force_insert=True)
    audit.record("create", "volume_group", group.id)
    return group


def create_from(
    *,
    context: RequestContext,
    values: dict[str, Any],
    snapshot: GroupSnapshot | None = None,
    source: Group | None = None,
) -> Group:
    """Make a group with a copy of each volume of another one, or of its snapshot.

    Raises InvalidGroup and what making volumes raises; then nothing is left but deletions under way.
    """
    former = snapshot.group if snapshot is not None else source
    assert former is not None
    members = _sources(former, snapshot)
    if not members:
        raise exceptions.InvalidGroup(reason=f"Source of group {former.id} has no volumes.")
    group = _write(
        Group(
            project_id=str(context.project_id),
            user_id=context.user_id or "",
            name=values.get("name") or "",
            description=values.get("description"),
            group_type=former.group_type,
            volume_type_ids=former.volume_type_ids,
            availability_zone=former.availability_zone,
            source_group_id=source.id if source is not None else None,
            source_snapshot_id=snapshot.id if snapshot is not None else None,
        )
    )
    try:
        for member in members:
            volume = volume_requests.resolve(context=context, values=dict(member))
            volume.group = group
            volumes.create(context=context, volume=volume)
    except CloudError:
        _give_up(context, group)
        raise
    return group


def _sources(former: Group, snapshot: GroupSnapshot | None) -> list[dict[str, str]]:
    """Return what the volumes of a new group are made of. Raises InvalidGroup (400)."""
    if snapshot is not None:
        _check_status(selectors.status_of(snapshot), f"Group snapshot {snapshot.id}")
        return [{"snapshot_id": str(item.id), "name": item.volume.name} for item in selectors.snapshots_of(snapshot)]
    _check_status(selectors.status_of(former), f"Group {former.id}")
    return [{"source_volid": str(item.id), "name": item.name} for item in selectors.volumes_of(former)]


def _check_status(status: str, what: str) -> None:
    if status != states.AVAILABLE:
        raise exceptions.InvalidGroup(reason=f"{what} must be available, not {status}.")


def _give_up(context: RequestContext, group: Group) -> None:
    Group.objects.filter(id=group.id).update(is_deleting=True)
    for volume in selectors.volumes_of(group):
        volumes.delete(context=context, volume=volume, force=True)


def check_joins(*, volume: Volume, group: Group) -> None:
    """Raises InvalidInput (400) for a volume that cannot be in the group."""
    if str(volume.volume_type_id) not in group.volume_type_ids:
        raise exceptions.InvalidInput(reason=f"the type of the volume is not one of group {group.id}")
    if group.project_id != volume.project_id or selectors.status_of(group) != states.AVAILABLE:
        raise exceptions.InvalidInput(reason=f"group {group.id} takes no volumes")
    if len(selectors.volumes_of(group)) >= MAX_VOLUMES:
        raise exceptions.InvalidInput(reason=f"group {group.id} has {MAX_VOLUMES} volumes: it can have no more")


@transaction.atomic
def update(*, group: Group, values: dict[str, Any], add: Iterable[Volume], remove: Iterable[Volume]) -> None:
    """Change name and description; add and remove volumes. Raises InvalidGroup, InvalidInput (400)."""
    added, removed = {row.id: row for row in add}, {row.id: row for row in remove}
    if set(added) & set(removed):
        raise exceptions.InvalidInput(reason="a volume is added and removed")
    for key in sorted({*added, *removed}):
        row = volumes.locked(added.get(key) or removed[key])
        wanted = None if key in added else group.id
        if row.group_id != wanted or row.status not in LEGAL:
            verb = "added to" if key in added else "removed from"
            raise exceptions.InvalidGroup(reason=f"Volume {key} cannot be {verb} group {group.id}: it is {row.status}.")
        if key in added:
            check_joins(volume=row, group=group)
        Volume.objects.filter(id=key).update(group=group if key in added else None)
    if values:
        Group.objects.filter(id=group.id).update(**values)
    audit.record("update", "volume_group", group.id)


def delete(*, context: RequestContext, group: Group, with_volumes: bool) -> None:
    """Begin to delete a group, and its volumes ``with_volumes``. Raises InvalidGroup and InvalidVolume (400)."""
    members = selectors.volumes_of(group)
    if members and not with_volumes:
        raise exceptions.InvalidGroup(reason=f"Group {group.id} has volumes: delete-volumes must be true.")
    if selectors.has_snapshots(group):
        raise exceptions.InvalidGroup(reason=f"Group {group.id} still has dependent group snapshots.")
    for volume in members:
        if volume.status not in states.DELETABLE:
            raise exceptions.InvalidVolume(reason=f"Volume {volume.id} of the group is {volume.status}.")
    Group.objects.filter(id=group.id).update(is_deleting=True)
    audit.record("delete", "volume_group", group.id)
    try:
        for volume in members:
            volumes.delete(context=context, volume=volume, with_group=True)
    except CloudError:  # those that are left keep the group
        Group.objects.filter(id=group.id).update(is_deleting=False, status=states.ERROR)
        raise


def reset_status(*, group: Group, status: str) -> None:
    """Set the status that an operator names; of an available group it follows the volumes again."""
    Group.objects.filter(id=group.id).update(status="" if status == states.AVAILABLE else status)
    audit.record("reset_status", "volume_group", group.id, details={"status": status})


def create_snapshot(*, context: RequestContext, group: Group, values: dict[str, Any]) -> GroupSnapshot:
    """Begin to make a snapshot of each volume. Raises InvalidGroup (400) and what making snapshots raises."""
    _check_status(selectors.status_of(group), f"Group {group.id}")
    members = selectors.volumes_of(group)
    if not members:
        raise exceptions.InvalidGroup(reason=f"Group {group.id} has no volumes.")
    if GroupSnapshot.objects.filter(group=group, is_deleting=False).count() >= MAX_SNAPSHOTS:
        raise exceptions.InvalidGroup(reason=f"Group {group.id} has {MAX_SNAPSHOTS} snapshots: it can have no more.")
    row = GroupSnapshot.objects.create(
        group=group,
        project_id=group.project_id,
        user_id=context.user_id or "",
        name=values.get("name") or "",
        description=values.get("description"),
    )
    audit.record("create", "group_snapshot", row.id)
    named = {"name": row.name, "group_snapshot": row}
    try:
        for volume in members:
            snapshots.create(context=context, volume=volume, values=named, attached_too=True)
    except CloudError:
        delete_snapshot(context=context, row=row, force=True)
        raise
    return row


def update_snapshot(*, row: GroupSnapshot, values: dict[str, Any]) -> None:
    """Change the values that users may change: name, description."""
    GroupSnapshot.objects.filter(id=row.id).update(**values)
    row.refresh_from_db()


def delete_snapshot(*, context: RequestContext, row: GroupSnapshot, force: bool = False) -> None:
    """Begin to delete its snapshots; it goes with the last one. Raises InvalidSnapshot (400)."""
    members = selectors.snapshots_of(row)
    for snapshot in members if not force else ():
        if snapshot.status not in states.SNAPSHOT_DELETABLE:
            raise exceptions.InvalidSnapshot(reason=f"Snapshot {snapshot.id} of the group is {snapshot.status}.")
    GroupSnapshot.objects.filter(id=row.id).update(is_deleting=True)
    audit.record("delete", "group_snapshot", row.id)
    for snapshot in members:
        snapshots.delete(context=context, snapshot=snapshot, force=True)


def reset_snapshot_status(*, row: GroupSnapshot, status: str) -> None:
    GroupSnapshot.objects.filter(id=row.id).update(status="" if status == states.AVAILABLE else status)
    audit.record("reset_status", "group_snapshot", row.id, details={"status": status})


def prune() -> int:
    """Delete the rows of groups and their snapshots whose members are gone; return how many. Called by beat."""
    snapshot_members = Snapshot.objects.filter(group_snapshot_id=OuterRef("id"), deleted_at=None)
    gone = GroupSnapshot.objects.filter(~Exists(snapshot_members), is_deleting=True).delete()[0]
    members = Volume.objects.filter(group_id=OuterRef("id"), deleted_at=None)
    return gone + Group.objects.filter(~Exists(members), is_deleting=True).delete()[0]
