"""Volumes and snapshots as Nova's proxies show them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apps.common.api.documents import microseconds
from apps.volumes import states

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Snapshot, Volume


def render(volume: "Volume", attachments: "Sequence[Attachment]") -> dict[str, Any]:
    """Return the document. A volume that no server has shows one attachment without values, as in Nova."""
    kind, source = volume.volume_type, volume.source_snapshot_id
    attached = [row for row in attachments if row.status == states.ATTACHED]
    return {
        "id": str(volume.id),
        "status": volume.status,
        "size": volume.size,
        "availabilityZone": volume.availability_zone,
        "createdAt": microseconds(volume.created_at),
        "displayName": volume.name,
        "displayDescription": volume.description,
        "volumeType": kind.name if kind is not None else None,
        "snapshotId": str(source) if source is not None else None,
        "metadata": volume.metadata,
        "attachments": [_attachment(volume, row) for row in attached] or [{}],
    }


def _attachment(volume: "Volume", row: "Attachment") -> dict[str, Any]:
    document = {"id": str(volume.id), "volumeId": str(volume.id)}
    if row.server_id is not None:
        document["serverId"] = str(row.server_id)
    if row.device:
        document["device"] = row.device
    return document


def render_snapshot(snapshot: "Snapshot") -> dict[str, Any]:
    return {
        "id": str(snapshot.id),
        "volumeId": str(snapshot.volume_id),
        "status": snapshot.status,
        "size": snapshot.size,
        "createdAt": microseconds(snapshot.created_at),
        "displayName": snapshot.name,
        "displayDescription": snapshot.description,
    }
