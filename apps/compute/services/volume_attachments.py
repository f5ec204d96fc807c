"""Volumes of servers: attached and detached while the server exists, by one run each.

An attachment is two rows that change in one transaction: the volume service's (apps/volumes) and the server's block
device. Both exist from the request on; the guest has the disk when the run has ended.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, Conflict
from apps.compute import exceptions, locks, rpcapi, states
from apps.compute.actions import ATTACH_VOLUME, DETACH_VOLUME, ServerAction
from apps.compute.models import BlockDevice, Server
from apps.compute.models.block_devices import VOLUME as KIND
from apps.compute.selectors import servers as selectors
from apps.compute.selectors import volume_attachments as device_selectors
from apps.compute.services import block_devices, device_changes, server_actions, servers
from apps.compute.states import SUBJECT
from apps.volumes import exceptions as refusals
from apps.volumes import states as volume_states
from apps.volumes.selectors import attachments as attachment_selectors
from apps.volumes.selectors import volumes as volume_selectors
from apps.volumes.services import attachments
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

if TYPE_CHECKING:
    from apps.volumes.models import Volume
    from apps.workflow.models import Run

_CHANGES = (ATTACH_VOLUME.name, DETACH_VOLUME.name)


def attach(
    *,
    context: RequestContext,
    server: Server,
    volume_id: str,
    tag: str = "",
    delete_on_termination: bool = False,
    multiattach: bool = True,
) -> BlockDevice:
    """Begin to attach a volume. Returns its row; the name of its device is known, the guest has it later.

    Administrators attach volumes of other projects, too.

    ``multiattach``: the client knows of volumes that several servers have. Raises VolumeNotFound (404), InvalidVolume
    (400), TooManyDisks (403), and the errors of ``server_actions.begin``.
    """
    volume = volume_selectors.get(context=context, volume_id=volume_id)
    if volume.project_id != server.project_id and not context.is_admin:
        raise refusals.VolumeNotFound(volume=volume.id)
    if volume.multiattach and not multiattach:
        raise exceptions.MultiattachTooOld
    device = BlockDevice(
        kind=KIND, tag=tag, volume_id=volume.id, size=volume.size, source_type=KIND, source_id=volume.id,
        delete_on_termination=delete_on_termination,
    )  # fmt: skip
    device_changes.one_at_a_time(lambda: _attach(context, server, volume, device))
    return device


@transaction.atomic
def _attach(context: RequestContext, server: Server, volume: "Volume", device: BlockDevice) -> None:
    row = locks.server(server.id)
    if row is None:
        raise exceptions.ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    before = selectors.block_devices(server_id=row.id)
    device.server = row
    device.device = block_devices.free_name(before, row.image_properties)
    device.position = 1 + max((other.position for other in before), default=-1)
    check_not_busy(row, ATTACH_VOLUME)
    attachment = attachments.reserve(volume=volume, server_id=row.id, host=row.host, by_compute=True)
    device.attachment_id = attachment.id
    device.save(force_insert=True)
    if not row.has_volumes:
        Server.objects.filter(id=row.id).update(has_volumes=True)
    if not _is_without_host(row):
        begin(context, row, ATTACH_VOLUME, device)
        return
    connect(attachment_id=attachment.id, host="")
    mark_attached(attachment_id=attachment.id)
    rpcapi.record(context=context, action=ATTACH_VOLUME.name, server=row)


def _is_without_host(row: Server) -> bool:
    """Whether the server is shelved and on no host: the rows are all there is to change. It gets its volumes when it is
    unshelved.
    """
    return row.vm_state == states.SHELVED_OFFLOADED and not row.task_state


def check_not_busy(row: Server, action: ServerAction) -> None:
    """Raise ServerInUse before the volume is looked at: who waits for another change finds it as it is then."""
    active = run_selectors.active_of(subject_type=SUBJECT, subject_id=row.id)
    if active is not None and active.action in device_changes.ACTIONS:
        raise exceptions.ServerInUse(action=action.name, server=row.id, user=active.action)


def begin(
    context: RequestContext,
    row: Server,
    action: ServerAction,
    device: BlockDevice,
    also: Sequence[tuple[str, uuid.UUID]] = (),
    **params: Any,
) -> None:
    """Start the run of a change of the server's volumes. Raises InvalidVolume (400) for a volume that is busy."""
    assert device.volume_id is not None
    try:
        server_actions.begin(
            context=context,
            server=row,
            action=action,
            also=[(volume_states.SUBJECT, device.volume_id), *also],
            volume=str(device.volume_id),
            attachment=str(device.attachment_id),
            **params,
        )
    except IntegrityError:
        raise refusals.InvalidVolume(reason=f"Volume {device.volume_id} is busy; try again.") from None


def detach(*, context: RequestContext, server: Server, volume_id: uuid.UUID | None) -> None:
    """Begin to detach a volume. One that is being detached already is success; one that is being attached is not
    attached any further.

    Raises VolumeNotAttached (404), RootVolumeHeld (403), BadRequest (400) while another device of the server changes
    for long, and the errors of ``server_actions.begin``.
    """
    try:
        device_changes.one_at_a_time(lambda: _detach(context, server, volume_id))
    except exceptions.ServerInUse as error:
        # Clients repeat a request that is bad while a detach is under way, and give up on a conflict.
        raise (BadRequest if error.values["user"] in device_changes.ACTIONS else Conflict)(error.message) from None


@transaction.atomic
def _detach(context: RequestContext, server: Server, volume_id: uuid.UUID | None) -> None:
    row = locks.server(server.id)
    if row is None:
        raise exceptions.ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    device = device_selectors.get(server=row, volume_id=volume_id)
    if device.is_root:
        raise exceptions.RootVolumeHeld
    active = run_selectors.active_of(subject_type=SUBJECT, subject_id=row.id)
    is_own = active is not None and _is_of(active, device)
    if active is not None and is_own and active.action == DETACH_VOLUME.name:
        return
    if not is_own:
        check_not_busy(row, DETACH_VOLUME)
    attachment = attachment_selectors.load(attachment_id=device.attachment_id) if device.attachment_id else None
    if attachment is None:  # the volume service knows it no more
        device.delete()
        return
    attachments.begin_detach(attachment=attachment, by_compute=True)
    if _is_without_host(row):
        remove(attachment_id=attachment.id)
        rpcapi.record(context=context, action=DETACH_VOLUME.name, server=row)
        return
    if is_own:
        runs.cancel_active(subject_type=SUBJECT, subject_id=row.id, reason="The volume is being detached.")
    begin(context, row, DETACH_VOLUME, device)


def _is_of(run: "Run", device: BlockDevice) -> bool:
    return run.action in _CHANGES and run.params.get("attachment") == str(device.attachment_id)


def update(*, device: BlockDevice, delete_on_termination: bool) -> None:
    """Choose whether the volume is deleted with the server."""
    BlockDevice.objects.filter(id=device.id).update(delete_on_termination=delete_on_termination)
    Server.objects.filter(id=device.server_id).update(updated_at=timezone.now())


# What the steps of runs write. Each is one transaction, or part of the one that finishes its step.


@transaction.atomic
def connect(*, attachment_id: uuid.UUID, host: str) -> None:
    """The host opens the disk. Absent is success: the step finds out."""
    attachment, device = attachment_selectors.load(attachment_id=attachment_id), _device(attachment_id)
    if attachment is not None and device is not None:
        path = f"/dev/{device.device}"
        attachments.connect(attachment=attachment, connector={"host": host}, device=path, by_compute=True)


@transaction.atomic
def mark_attached(*, attachment_id: uuid.UUID) -> None:
    """The guest has the disk: the volume is in use."""
    attachment, device = attachment_selectors.load(attachment_id=attachment_id), _device(attachment_id)
    if attachment is not None and device is not None:
        attachments.complete(attachment=attachment, device=f"/dev/{device.device}", by_compute=True)
        BlockDevice.objects.filter(id=device.id).update(is_attached=True)


@transaction.atomic
def remove(*, attachment_id: uuid.UUID) -> None:
    """The server has the volume no more, which is free again. Absent is success."""
    attachment = attachment_selectors.load(attachment_id=attachment_id)
    if attachment is not None:
        attachments.delete(attachment=attachment, by_compute=True)
    BlockDevice.objects.filter(attachment_id=attachment_id, kind=KIND).delete()


@transaction.atomic
def keep(*, attachment_id: uuid.UUID) -> None:
    """The guest did not release the disk: the volume is in use again. Absent is success."""
    attachment = attachment_selectors.load(attachment_id=attachment_id)
    if attachment is not None:
        attachments.roll_back_detach(attachment=attachment, by_compute=True)
        BlockDevice.objects.filter(attachment_id=attachment_id, kind=KIND).update(is_attached=True)


def _device(attachment_id: uuid.UUID) -> BlockDevice | None:
    return device_selectors.load(attachment_id=attachment_id)
