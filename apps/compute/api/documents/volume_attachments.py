"""Volumes of servers as documents, by microversion."""

from typing import TYPE_CHECKING, Any

from apps.common.microversions import Range, Version, since

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice

# Since 2.70 with the tag, since 2.79 with delete_on_termination; 2.89 gives both IDs a name, and drops ``id``.
FIELDS: dict[str, Range] = {
    "id": since("2.1", "2.88"),
    "tag": since("2.70"),
    "delete_on_termination": since("2.79"),
    "attachment_id": since("2.89"),
    "bdm_uuid": since("2.89"),
}


def render(device: "BlockDevice", version: Version) -> dict[str, Any]:
    document = {
        "id": str(device.volume_id),
        "serverId": str(device.server_id),
        "volumeId": str(device.volume_id),
        "device": f"/dev/{device.device}",
        "tag": device.tag or None,
        "delete_on_termination": device.delete_on_termination,
        "attachment_id": str(device.attachment_id),
        "bdm_uuid": str(device.id),
    }
    return {name: value for name, value in document.items() if name not in FIELDS or version in FIELDS[name]}
