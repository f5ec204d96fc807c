"""The volumes of servers that are built and deleted: what the rows of both services become."""

import uuid
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import CloudError
from apps.compute import image_properties, locks, rpcapi
from apps.compute.models import BlockDevice, Server
from apps.compute.models.block_devices import VOLUME
from apps.compute.selectors import volume_attachments as selectors
from apps.compute.services import volume_attachments, volume_swaps
from apps.compute.services.server_requests.volumes import RequestedVolume
from apps.volumes import states as volume_states
from apps.volumes.selectors import attachments as attachment_selectors
from apps.volumes.selectors import server_volumes as server_volume_selectors
from apps.volumes.selectors import volumes as volume_selectors
from apps.volumes.services import attachments, server_volumes, volumes

if TYPE_CHECKING:
    from apps.volumes.models import Volume

EXTEND_VOLUME, EXTENDED = "extend_volume", "compute_extend_volume"  # Nova's action and its event
log = structlog.get_logger("celerity.compute")


def devices_of(server: Server, requested: Sequence[RequestedVolume]) -> list[BlockDevice]:
    """Return the rows of a new server's volumes, not written."""
    disc = image_properties.disc_bus(server.image_properties)
    return [
        BlockDevice(
            server=server, kind=VOLUME, size=row.volume.size, bus=row.bus or (disc if row.is_disc else ""), tag=row.tag,
            is_disc=row.is_disc, boot_index=row.boot_index,
            volume_id=None if row.is_new else row.volume.id, source_type=row.source_type, source_id=row.source_id,
            delete_on_termination=row.delete_on_termination,
        )
        for row in requested
    ]  # fmt: skip


def write(devices: Sequence[tuple[BlockDevice, RequestedVolume]]) -> list["Volume"]:
    """Write the volumes that builds are to make, and reserve those that are there, in the caller's transaction.

    Returns the new ones, whose quota is to be reserved last. Raises InvalidVolume (400), Forbidden (403).
    """
    new = []
    # In one order: those that exist are locked, then the snapshots that others are made of.
    for device, row in sorted(devices, key=lambda pair: (pair[1].is_new, str(pair[1].source_id))):
        if row.is_new:
            volume = copy(row.volume)
            volume.id = device.volume_id = uuid.uuid4()
            server_volumes.write(volume=volume)
            new.append(volume)
        else:
            device.attachment_id = attachments.reserve(
                volume=row.volume, server_id=device.server_id, by_compute=True
            ).id
    return new


def subjects(devices: Sequence[BlockDevice]) -> list[uuid.UUID]:
    """Return the IDs of the volumes that the build works on."""
    return [device.volume_id for device in devices if device.volume_id is not None]


def unmade(*, server: Server) -> list["Volume"]:
    """Return the volumes that the server's build has to make. 2 queries; none for a server without volumes."""
    devices = [row for row in selectors.of_server(server=server) if row.is_made_by_build]
    ids = [row.volume_id for row in devices if row.volume_id is not None]
    return [row for row in server_volume_selectors.rows_of(volume_ids=ids).values() if not row.host] if ids else []


@transaction.atomic
def reserve(*, device: BlockDevice, host: str, zone: str, made: "Volume | None" = None) -> None:
    """Reserve the server's volume, if that was not done before. ``made``: it was made on ``host`` just now."""
    assert device.volume_id is not None
    if made is not None:
        server_volumes.mark_made(volume=made, host=host, zone=zone)
    volume = volume_selectors.load(volume_id=device.volume_id)
    if device.attachment_id is None and volume is not None:
        attachment = attachments.reserve(volume=volume, server_id=device.server_id, host=host, by_compute=True)
        device.attachment_id = attachment.id
        BlockDevice.objects.filter(id=device.id).update(attachment_id=attachment.id)


def mark_attached(*, server_id: uuid.UUID) -> None:
    """The guest runs with its volumes: they are in use."""
    for row in BlockDevice.objects.filter(server_id=server_id, kind=VOLUME).order_by("volume_id"):
        if row.attachment_id is not None:
            volume_attachments.mark_attached(attachment_id=row.attachment_id)


def give_up(*, server_id: uuid.UUID, final: bool) -> list[uuid.UUID]:
    """A build failed: its volumes are attached no more; those that were there before stay reserved unless it is the end
    (``final``).

    In the caller's transaction, which then calls ``undo_making`` with the result: the volumes that the build makes.
    """
    server = locks.server(server_id)
    if server is None or not server.has_volumes:
        return []
    made = []
    for row in sorted(selectors.of_server(server=server), key=lambda row: str(row.volume_id)):
        assert row.volume_id is not None
        server_volumes.lock(volume_id=row.volume_id)
        if row.is_made_by_build or final:
            _free(row)
        if row.is_made_by_build:
            made.append(row.volume_id)
        if final:
            BlockDevice.objects.filter(id=row.id).update(volume_id=None)
    return made


def undo_making(*, volume_ids: Sequence[uuid.UUID], final: bool) -> None:
    """Give their capacity back, and with ``final`` the volumes; else they are to be made again."""
    if final:
        return server_volumes.discard(volume_ids=volume_ids)
    for volume_id in volume_ids:
        server_volumes.start_over(volume_id=volume_id)


def _free(row: BlockDevice) -> None:
    attachment = attachment_selectors.load(attachment_id=row.attachment_id) if row.attachment_id else None
    if attachment is not None:
        attachments.delete(attachment=attachment, by_compute=True)
    BlockDevice.objects.filter(id=row.id).update(attachment_id=None, is_attached=False)


def note_extension(*, context: RequestContext, volume_id: uuid.UUID) -> None:
    """The servers that have the volume have it larger: an action of each (``extend_volume``), as in Nova."""
    rows = BlockDevice.objects.filter(volume_id=volume_id, kind=VOLUME, is_attached=True).select_related("server")
    for row in rows.order_by("server_id"):
        rpcapi.record(context=context, action=EXTEND_VOLUME, server=row.server, step=EXTENDED)


def release(*, context: RequestContext, server_id: uuid.UUID) -> None:
    """A server is deleted: its volumes are free. Those that were never made go; so do those that were to go with it.

    One transaction each; repeated, it does the rest.
    """
    volume_swaps.abandon_moves(server_id=server_id)
    for row in BlockDevice.objects.filter(server_id=server_id, kind=VOLUME).order_by("volume_id"):
        _release(context, row)
    volume_swaps.free_undecided(server_id=server_id)


@transaction.atomic
def _release(context: RequestContext, row: BlockDevice) -> None:
    locks.server(row.server_id)
    _free(row)
    volume = volume_selectors.load(volume_id=row.volume_id) if row.volume_id is not None else None
    if volume is not None and row.is_made_by_build and server_volumes.is_unmade(volume):
        server_volumes.discard(volume_ids=[volume.id])
    elif volume is not None and row.delete_on_termination:
        _delete(context, volume)
    row.delete()


def _delete(context: RequestContext, volume: "Volume") -> None:
    """Begin to delete it, also while it grows. One that cannot be deleted (it has snapshots) stays, as with Nova."""
    try:
        with transaction.atomic():
            volumes.delete(context=context, volume=volume, force=volume.status == volume_states.EXTENDING)
    except CloudError as error:
        log.warning("volume stays", volume=str(volume.id), error=error.message)
