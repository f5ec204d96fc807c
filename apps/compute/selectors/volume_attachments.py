"""Reading the volumes of servers."""

import uuid
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from apps.compute.exceptions import VolumeNotAttached
from apps.compute.models import BlockDevice, Server
from apps.compute.models.block_devices import VOLUME


def of_server(*, server: Server) -> list[BlockDevice]:
    """Return the volumes of a server in order of their position, also those that are on their way. 1 query, or none."""
    return _rows([server.id]) if server.has_volumes else []


def attached_to(*, server: Server) -> QuerySet[BlockDevice]:
    """Return the volumes that the guest has, in order of their position."""
    return BlockDevice.objects.filter(server_id=server.id, kind=VOLUME, is_attached=True).order_by("position")


def of_servers(*, servers: Iterable[Server]) -> dict[uuid.UUID, list[BlockDevice]]:
    """Return the volumes of servers, also those on their way. 1 query; none where no server ever had a volume."""
    having = [server.id for server in servers if server.has_volumes]
    devices: dict[uuid.UUID, list[BlockDevice]] = {}
    for row in _rows(having) if having else ():
        devices.setdefault(row.server_id, []).append(row)
    return devices


def _rows(server_ids: Sequence[uuid.UUID]) -> list[BlockDevice]:
    rows = BlockDevice.objects.filter(server_id__in=server_ids, kind=VOLUME, volume_id__isnull=False)
    return list(rows.order_by("server_id", "position"))


def boots_from_volume(server: Server) -> bool:
    """Whether a volume is the server's root disk. 1 query, or none."""
    return any(device.is_root for device in of_server(server=server))


def get(*, server: Server, volume_id: uuid.UUID | None) -> BlockDevice:
    """Return the row of a volume of the server, also of one on its way. Raises VolumeNotAttached (404)."""
    row = next((row for row in of_server(server=server) if row.volume_id == volume_id), None)
    if row is None or volume_id is None:
        raise VolumeNotAttached(server=server.id, volume=volume_id)
    return row


def volume_ids(*, server_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the IDs of a server's volumes. 1 query."""
    return [row.volume_id for row in _rows([server_id]) if row.volume_id is not None]


def load(*, attachment_id: uuid.UUID) -> BlockDevice | None:
    """Return the row of an attachment, for workers. 1 query."""
    return BlockDevice.objects.filter(attachment_id=attachment_id, kind=VOLUME).first()


def servers_of(*, volume_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the servers that have a volume, or are built with it. 1 query."""
    return list(BlockDevice.objects.filter(volume_id=volume_id, kind=VOLUME).values_list("server_id", flat=True))


def is_on_server(*, volume_id: uuid.UUID) -> bool:
    """Return whether a guest has the volume. 1 query."""
    return BlockDevice.objects.filter(volume_id=volume_id, kind=VOLUME, is_attached=True).exists()
