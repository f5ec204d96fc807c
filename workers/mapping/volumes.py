"""Rows of volumes and attachments as specs: of the pool that has the volume, and of the server that gets the disk."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.volumes import states
from apps.volumes.selectors import attachments as selectors
from workers.drivers.hypervisor.base import Bus, DiskSpec, ExportSource
from workers.drivers.volume.base import Export, ExportSpec, VolumeDriver, VolumeSpec

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Volume

_OPEN = (states.ATTACHING, states.ATTACHED, states.DETACHING)


def volume_spec(volume: "Volume") -> VolumeSpec:
    return VolumeSpec(id=str(volume.id), size_gib=volume.size, format="raw" if volume.format == "raw" else "qcow2")


def export_spec(attachment: "Attachment") -> ExportSpec:
    """Return an attachment's export. Its name begins with a letter, as QEMU wants it."""
    return ExportSpec(name=f"e{attachment.export}", readonly=attachment.mode == states.READ_ONLY)


def disk_spec(
    attachment: "Attachment", export: Export, *, bus: Bus | None = None, boot_index: int | None = None
) -> DiskSpec:
    """Return the disk that the server has of an open export. ``device`` of the attachment is its name: /dev/vdb."""
    return DiskSpec(
        target=attachment.device.rpartition("/")[2],
        path="",
        format="raw",
        serial=str(attachment.volume_id),
        boot_index=boot_index,
        readonly=attachment.mode == states.READ_ONLY,
        bus=bus,
        export=ExportSource(export.socket, export.name),
    )


def of_server(server_id: uuid.UUID) -> Sequence["Attachment"]:
    """Return the attachments of a server that its host has open, with their volumes. 1 query."""
    rows = selectors.of_servers(server_ids=[server_id]).get(server_id, [])
    return [row for row in rows if row.by_compute and row.status in _OPEN]


def open_on_host(volume_id: uuid.UUID, host: str) -> Sequence["Attachment"]:
    """Return the attachments of a volume to servers of a host, which the compute service made. 1 query."""
    rows = selectors.of_volume(volume_id=volume_id)
    return [row for row in rows if row.by_compute and row.host == host and row.server_id and row.status in _OPEN]


def connect(attachment: "Attachment", driver: VolumeDriver) -> Export:
    """Have the attachment's export open. Repeated, it gives the same."""
    return driver.open_export(str(attachment.volume_id), export_spec(attachment))


def connect_all(server_id: uuid.UUID, driver: VolumeDriver) -> None:
    """Have the exports of a server's volumes open."""
    for attachment in of_server(server_id):
        connect(attachment, driver)


def disconnect(attachment: "Attachment", driver: VolumeDriver) -> None:
    """Close the attachment's export. Absent is success."""
    driver.close_export(str(attachment.volume_id), export_spec(attachment).name)
