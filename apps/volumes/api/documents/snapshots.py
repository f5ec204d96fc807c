"""Snapshots as documents, by microversion."""

from typing import Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.volumes.models import Snapshot

FIELDS = {"group_snapshot_id": since("3.14"), "user_id": since("3.41"), "consumes_quota": since("3.65")}


def render(snapshot: Snapshot, version: Version) -> dict[str, Any]:
    """Return the document of a snapshot in a list without details, or of a new one."""
    document = {
        "id": str(snapshot.id),
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": str(snapshot.volume_id),
        "status": snapshot.status,
        "size": snapshot.size,
        "metadata": snapshot.metadata,
        "created_at": microseconds(snapshot.created_at),
        "updated_at": microseconds(snapshot.updated_at),
        "user_id": snapshot.user_id,
        "group_snapshot_id": str(snapshot.group_snapshot_id) if snapshot.group_snapshot_id else None,
        "consumes_quota": True,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render_full(snapshot: Snapshot, version: Version) -> dict[str, Any]:
    return {
        **render(snapshot, version),
        "os-extended-snapshot-attributes:progress": f"{snapshot.progress}%",
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
    }
