"""The volumes of servers that are built and deleted, on their host."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.compute.selectors import servers as selectors
from apps.compute.services import server_volumes, volume_attachments, volume_swaps
from apps.compute.services.root_volumes import REIMAGE
from apps.volumes import states
from apps.volumes.selectors import attachments
from apps.volumes.selectors import volumes as volume_selectors
from apps.volumes.services import attached_migrations
from apps.volumes.services.server_volumes import is_unmade
from workers.config import HostDrivers
from workers.drivers.storage.base import CachedImage, StorageDriver
from workers.drivers.volume.base import FromImage
from workers.engine.errors import Abort
from workers.engine.steps import StepContext
from workers.mapping import exports, images, volumes
from workers.tasks.servers import fetch_image
from workers.tasks.volumes.create import make
from workers.tasks.volumes.reimage import write_image

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server
    from apps.volumes.models import Attachment


def connect(ctx: StepContext, drivers: HostDrivers, server: "Server", devices: "Sequence[BlockDevice]") -> None:
    """Make the volumes that the build makes, reserve all for this host, and have them here. Repeated, it finds its work
    done.

    Raises Abort for a volume that is gone; TooLong; and what the driver, or another host that has a volume, says.
    """
    for device in devices:
        if not device.is_volume:
            continue
        volume = volume_selectors.load(volume_id=device.volume_id) if device.volume_id is not None else None
        if volume is None:
            raise Abort("A volume of the server does not exist any more.", cause="VolumeNotFound")
        is_new = device.is_made_by_build and is_unmade(volume)
        if is_new:
            make(ctx, volume, drivers)
        ctx.checkpoint()
        server_volumes.reserve(device=device, host=ctx.host, zone=server.zone, made=volume if is_new else None)
        if device.attachment_id is not None:
            volume_attachments.connect(attachment_id=device.attachment_id, host=ctx.host)
            _open(device.attachment_id, drivers)


def _open(attachment_id: uuid.UUID, drivers: HostDrivers) -> None:
    """No other host has it: not the one of an earlier attempt, which may be out of reach."""
    attachment = attachments.load(attachment_id=attachment_id)
    if attachment is not None:
        volumes.connect(attachment, drivers, alone=True)


def cache_image(ctx: StepContext, storage: StorageDriver) -> CachedImage:
    """Have the image in the host's cache that a rebuild writes to the root volume."""
    wanted = ctx.claim.params[REIMAGE]
    image, source = images.of_facts(wanted["image_id"], wanted["image_facts"])
    return fetch_image.cache_image(ctx, storage, image, source, as_file=True)


def reimage(ctx: StepContext, drivers: HostDrivers) -> None:
    """Write the image to the root volume, which no guest has. Repeated, it begins again."""
    cached, attachment = cache_image(ctx, drivers.storage), _reimaged(ctx)
    if attachment is None:
        raise Abort("The server does not have its root volume any more.", cause="VolumeNotFound")
    image = FromImage(cached.path, cached.format, cached.virtual_size)
    with volumes.exported(attachment, drivers) as export:
        ctx.checkpoint()
        write_image(ctx, drivers, attachment.volume, export, image)


def end_reimage(ctx: StepContext, drivers: HostDrivers) -> None:
    """Leave no export of a rebuild that was killed while it wrote."""
    if REIMAGE in ctx.claim.params and (attachment := _reimaged(ctx)) is not None:
        volumes.end_export(attachment, drivers)


def _reimaged(ctx: StepContext) -> "Attachment | None":
    rows = volumes.of_server(ctx.subject_id)
    return next((row for row in rows if str(row.volume_id) == ctx.claim.params[REIMAGE]["volume"]), None)


def undo(ctx: StepContext, drivers: HostDrivers) -> None:
    """Close the exports of a build that failed, and remove the volumes that it made. The rows change with its first
    step's revert.
    """
    for device in selectors.block_devices(server_id=ctx.subject_id):
        if device.is_volume:
            _close(device, drivers)
        if device.is_made_by_build and device.volume_id is not None:
            _remove(device.volume_id, drivers)


def settle(ctx: StepContext, drivers: HostDrivers) -> None:
    """Before the guest goes: where a copy under way had got so far that it has the other volume, the rows follow."""
    known = attachments.of_servers(server_ids=[ctx.subject_id]).get(ctx.subject_id, [])
    waiting = [row for row in known if row.by_compute and row.status == states.RESERVED]
    if not waiting:
        return
    for row in (row for row in known if row not in waiting):
        name = drivers.hypervisor.disk_source(str(ctx.subject_id), volumes.serial_of(row))
        there = next((other for other in waiting if volumes.is_opened_as(other, name)), None)
        if there is not None and there.at_target:
            volume_swaps.arrive(there=there, before=row)
        elif there is not None:
            volume_swaps.switch(attachment_id=row.id, new_attachment_id=there.id, host=ctx.host, live=True)


def disconnect(ctx: StepContext, drivers: HostDrivers) -> None:
    """Close the exports of a server that is deleted, and remove what its build had begun to make."""
    for device in selectors.block_devices(server_id=ctx.subject_id):
        if not device.is_volume or device.volume_id is None:
            continue
        _close(device, drivers)
        volume = volume_selectors.load(volume_id=device.volume_id)
        if device.is_made_by_build and volume is not None and is_unmade(volume):
            _remove(device.volume_id, drivers)
    for attachment in attachments.of_servers(server_ids=[ctx.subject_id]).get(ctx.subject_id, []):
        if attachment.by_compute:  # a swap's, that is no device yet, or no more
            volumes.disconnect(attachment, drivers)
            volumes.end_export(attachment, drivers)
        if attachment.host == ctx.host:  # the guest had the source, as ``settle`` saw
            attached_migrations.end_arrival(run_id=attachment.id)


def _remove(volume_id: uuid.UUID, drivers: HostDrivers) -> None:
    """Remove a volume that a build made. One whose writing was cut short is open still."""
    drivers.volume.close_export(str(volume_id), None)
    drivers.volume.delete_volume(str(volume_id))


def close_elsewhere(server_id: uuid.UUID) -> None:
    """Take the volumes of other hosts from the server's, which is out of reach or has released them."""
    for attachment in volumes.of_server(server_id):
        exports.close_for(attachment)


def _close(device: "BlockDevice", drivers: HostDrivers) -> None:
    attachment = attachments.load(attachment_id=device.attachment_id) if device.attachment_id else None
    if attachment is not None:
        volumes.disconnect(attachment, drivers)
