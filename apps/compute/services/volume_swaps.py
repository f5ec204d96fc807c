"""Another volume in the place of one that a server has: its data is copied there while the guest runs, by one run.

Until the guest has the new volume, the old one is the server's, and the new one is kept for it: an attachment without a
device. Then they change places, in one transaction.
"""

import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute import exceptions, locks
from apps.compute.actions import SWAP_VOLUME
from apps.compute.models import BlockDevice, Server
from apps.compute.models.block_devices import VOLUME
from apps.compute.selectors import volume_attachments as selectors
from apps.compute.services import device_changes, servers, volume_attachments
from apps.volumes import exceptions as refusals
from apps.volumes import states as volume_states
from apps.volumes.selectors import attachments as attachment_selectors
from apps.volumes.selectors import pools
from apps.volumes.selectors import volumes as volume_selectors
from apps.volumes.services import attached_migrations, attachments, cut_moves, server_volumes, volume_migrations

if TYPE_CHECKING:
    from apps.volumes.models import Attachment


def swap(
    *,
    context: RequestContext,
    server: Server,
    device: BlockDevice,
    volume_id: str,
    delete_on_termination: bool | None = None,
) -> None:
    """Begin to put another volume in the place of the server's. ``delete_on_termination``: as the place is to have it.

    Raises BadRequest and InvalidVolume (400), and the errors of ``server_actions.begin``.
    """
    try:
        volume = volume_selectors.get(context=context, volume_id=volume_id)
    except refusals.VolumeNotFound as error:  # the one of the URL is 404, as in Nova
        raise BadRequest(error.message) from None
    if volume.project_id != server.project_id:
        raise BadRequest(refusals.VolumeNotFound(volume=volume.id).message)
    device_changes.one_at_a_time(lambda: _swap_and_keep(context, server, device, volume.id, delete_on_termination))


@transaction.atomic
def _swap_and_keep(
    context: RequestContext, server: Server, device: BlockDevice, volume_id: uuid.UUID, deletes: bool | None
) -> None:
    """What is refused changes nothing of the volume that stays."""
    _swap(context, server, device.id, volume_id)
    if deletes is not None:
        volume_attachments.update(device=device, delete_on_termination=deletes)


def _swap(context: RequestContext, server: Server, device_id: uuid.UUID, volume_id: uuid.UUID) -> None:
    row = locks.server(server.id)
    if row is None:
        raise exceptions.ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    volume_attachments.check_not_busy(row, SWAP_VOLUME)
    device = BlockDevice.objects.filter(id=device_id).first()
    for key in sorted({volume_id, *([device.volume_id] if device and device.volume_id else [])}):
        server_volumes.lock(volume_id=key)
    old = attachment_selectors.load(attachment_id=device.attachment_id) if device and device.attachment_id else None
    new = volume_selectors.load(volume_id=volume_id)
    if device is None or old is None or new is None:
        raise exceptions.VolumeNotAttached(server=row.id, volume=volume_id)
    if old.volume_id == new.id:
        raise refusals.InvalidVolume(reason=f"Volume {new.id} is in its own place already.")
    if new.status != volume_states.AVAILABLE or attachment_selectors.of_volume(volume_id=new.id):
        raise refusals.InvalidVolume(reason="New volume must be detached in order to swap.")
    if old.mode == volume_states.READ_ONLY or new.read_only or device.is_disc:
        raise refusals.InvalidVolume(reason="Read-only volumes cannot be swapped.")
    if old.volume.encrypted or new.encrypted:
        raise refusals.InvalidVolume(reason="Encrypted volumes cannot be swapped.")
    if new.size < old.volume.size:
        raise refusals.InvalidVolume(reason="New volume must be the same size or larger.")
    writers = [it for it in attachment_selectors.of_volume(volume_id=old.volume_id) if it.mode != "ro"]
    if len(writers) > 1:
        raise exceptions.SwapOfShared
    reserved = attachments.reserve(
        volume=new, server_id=row.id, mode=old.mode, host=row.host, by_compute=True, replaces=old
    )
    attachments.begin_detach(attachment=old, by_compute=True)
    volume_attachments.begin(
        context,
        row,
        SWAP_VOLUME,
        device,
        also=[(volume_states.SUBJECT, new.id)],
        new_volume=str(new.id),
        new_attachment=str(reserved.id),
    )


# What the steps of runs write. Each is one transaction, or part of the one that finishes its step.


@transaction.atomic
def switch(*, attachment_id: uuid.UUID, new_attachment_id: uuid.UUID, host: str, live: bool) -> None:
    """The server has the new volume: it is in use. The old one is kept until its export is closed. Absent is success.

    ``live``: the guest went on, and knows the disk by the ID that it had.
    """
    old = attachment_selectors.load(attachment_id=attachment_id)
    new = attachment_selectors.load(attachment_id=new_attachment_id)
    device = selectors.load(attachment_id=attachment_id)
    if old is None or new is None or device is None:
        return
    path = f"/dev/{device.device}"
    attachments.connect(attachment=new, connector={"host": host}, device=path, by_compute=True)
    attachments.complete(attachment=new, device=path, by_compute=True)
    if live:
        attachments.keep_serial(attachment=new, serial=old.serial or str(old.volume_id))
    BlockDevice.objects.filter(id=device.id).update(
        volume_id=new.volume_id, attachment_id=new.id, source_id=new.volume_id, size=new.volume.size
    )


@transaction.atomic
def give_up(*, attachment_id: uuid.UUID, new_attachment_id: uuid.UUID) -> None:
    """The server keeps its volume, and the other one is free. Absent is success, and so is a swap that is done."""
    new = attachment_selectors.load(attachment_id=new_attachment_id)
    if selectors.load(attachment_id=new_attachment_id) is not None:
        return volume_attachments.remove(attachment_id=attachment_id)
    if new is not None:
        attachments.delete(attachment=new, by_compute=True)
    volume_attachments.keep(attachment_id=attachment_id)


def is_switched(*, new_attachment_id: uuid.UUID) -> bool:
    """Return whether the server has the new volume, as the rows say."""
    return selectors.load(attachment_id=new_attachment_id) is not None


@transaction.atomic
def take_over(*, run_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """The guest has its volume on another back end: by the run's attachment from now on."""
    attached_migrations.take_over(run_id=run_id, attachment_id=attachment_id)
    BlockDevice.objects.filter(attachment_id=attachment_id, kind=VOLUME).update(attachment_id=run_id)


@transaction.atomic
def arrive(*, there: "Attachment", before: "Attachment | None") -> None:
    """The guest has its volume at the target, and nobody runs the move any more: the volume is there, of its type.

    ``before``: the server's attachment to the source. Repeated, it changes nothing.
    """
    volume = there.volume
    form = volume_states.RAW if pools.is_direct(there.backend) or volume.multiattach else volume_states.QCOW2
    volume_migrations.switch(volume_id=volume.id, run_id=there.id, volume_type_id=None, form=form)
    if before is not None:
        take_over(run_id=there.id, attachment_id=before.id)


def abandon_moves(*, server_id: uuid.UUID) -> None:
    """A server is deleted: its volumes that were moving stay where they are, or undecided. One transaction each."""
    for row in attachment_selectors.of_servers(server_ids=[server_id]).get(server_id, []):
        cut_moves.abandon(volume=row.volume)


def free_undecided(*, server_id: uuid.UUID) -> None:
    """A server is deleted: what was kept for it, and is no device of its, is free. One transaction each."""
    for row in attachment_selectors.of_servers(server_ids=[server_id]).get(server_id, []):
        if row.by_compute and not row.at_target:
            attachments.delete(attachment=row, by_compute=True)
