"""Groups, their types and snapshots as documents."""

from typing import Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.volumes.models import Group, GroupSnapshot, GroupType
from apps.volumes.selectors import groups

FIELDS = {
    "group_snapshot_id": since("3.14"),
    "source_group_id": since("3.14"),
    "replication_status": since("3.38"),
    "project_id": since("3.58"),
}
VOLUMES = since("3.25")


def render_type(row: GroupType, *, specs: bool) -> dict[str, Any]:
    document = {"id": str(row.id), "name": row.name, "description": row.description, "is_public": row.is_public}
    return {**document, "group_specs": row.group_specs} if specs else document


def render_brief(row: Group | GroupSnapshot) -> dict[str, Any]:
    return {"id": str(row.id), "name": row.name}


def render(row: Group, version: Version, *, admin: bool, volumes: bool) -> dict[str, Any]:
    """``volumes``: with the IDs of the group's volumes."""
    document = {
        **render_brief(row),
        "status": groups.status_of(row),
        "description": row.description,
        "availability_zone": row.availability_zone,
        "created_at": microseconds(row.created_at),
        "group_type": str(row.group_type_id),
        "volume_types": row.volume_type_ids,
        "group_snapshot_id": str(row.source_snapshot_id) if row.source_snapshot_id else None,
        "source_group_id": str(row.source_group_id) if row.source_group_id else None,
        "replication_status": "disabled",
        **({"project_id": row.project_id} if admin else {}),
    }
    if volumes and version in VOLUMES:
        document["volumes"] = [str(volume.id) for volume in groups.volumes_of(row)]
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render_new_snapshot(row: GroupSnapshot) -> dict[str, Any]:
    return {**render_brief(row), "group_type_id": str(row.group.group_type_id)}


def render_snapshot(row: GroupSnapshot, version: Version, *, admin: bool) -> dict[str, Any]:
    document = {
        **render_new_snapshot(row),
        "group_id": str(row.group_id),
        "status": groups.status_of(row),
        "description": row.description,
        "created_at": microseconds(row.created_at),
        **({"project_id": row.project_id} if admin else {}),
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))
