"""The attach calls from before attachments were resources: os-reserve, os-attach, os-begin_detaching, os-detach …"""

import uuid
from typing import Any

from django.db import transaction

from apps.common.exceptions import BadRequest
from apps.volumes import exceptions, states
from apps.volumes.models import Attachment, Volume
from apps.volumes.selectors import attachments as selectors
from apps.volumes.services import attachments, volume_states, volumes


@transaction.atomic
def reserve(*, volume: Volume) -> None:
    """Keep the volume: it becomes attaching, as in Cinder. Raises InvalidVolume (400)."""
    row = volumes.locked(volume)
    if row.status != states.AVAILABLE and not (row.multiattach and row.status in attachments.SHARED):
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be available to reserve, but the current status is {row.status}."
        )
    if row.status == states.AVAILABLE:
        volume_states.move(volume_id=row.id, status=states.ATTACHING)


@transaction.atomic
def unreserve(*, volume: Volume) -> None:
    """Give back what ``reserve`` kept. Without a reservation nothing happens."""
    row = volumes.locked(volume)
    if row.status == states.ATTACHING and not selectors.of_volume(volume_id=row.id):
        volume_states.move(volume_id=row.id, status=states.AVAILABLE, before=(states.ATTACHING,))


@transaction.atomic
def begin_detach(*, volume: Volume) -> None:
    """The volume is to be detached. Raises InvalidVolume (400), UsedByCompute (409)."""
    row = volumes.locked(volume)
    rows = selectors.of_volume(volume_id=row.id)
    for attachment in rows:
        attachments.check_client(attachment)
    if row.status != states.IN_USE or not rows:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be in-use to detach, but the current status is {row.status}."
        )
    if len(rows) == 1:
        attachments.begin_detach(attachment=rows[0])


@transaction.atomic
def roll_back_detach(*, volume: Volume) -> None:
    """The volume stays attached. Without a detachment under way nothing happens. Raises UsedByCompute (409)."""
    row = volumes.locked(volume)
    if row.status == states.DETACHING:
        for attachment in selectors.of_volume(volume_id=row.id):
            if attachment.status == states.DETACHING:
                attachments.roll_back_detach(attachment=attachment)


@transaction.atomic
def attach(*, volume: Volume, server_id: uuid.UUID | None, host: str, device: str, mode: str) -> Attachment:
    """Note that a server, or a host, has the disk. Raises InvalidVolume (400)."""
    row = volumes.locked(volume)
    rows = selectors.of_volume(volume_id=row.id)
    same = next((item for item in rows if item.server_id == server_id and (server_id or item.host == host)), None)
    if same is not None:
        attachments.check_client(same)
        return attachments.complete(attachment=same, device=device)
    if row.status == states.ATTACHING and not rows:
        volume_states.move(volume_id=row.id, status=states.AVAILABLE, before=(states.ATTACHING,))
    chosen = mode or (states.READ_ONLY if row.read_only else states.READ_WRITE)
    attachment = attachments.reserve(volume=row, server_id=server_id, mode=chosen, host=host)
    return attachments.complete(attachment=attachment, device=device)


@transaction.atomic
def detach(*, volume: Volume, attachment_id: Any = None) -> None:
    """Note that the server has the disk no more. Of a volume that no server has, nothing changes, as in Cinder.

    Raises InvalidVolume and BadRequest (400), UsedByCompute (409).
    """
    row = volumes.locked(volume)
    rows = selectors.of_volume(volume_id=row.id)
    if not rows:
        return
    if attachment_id:
        rows = [item for item in rows if str(item.id) == str(attachment_id)]
    if len(rows) > 1:
        raise exceptions.InvalidVolume(
            reason=f"Detach volume failed: More than one attachment, but no attachment_id provided (volume {row.id})."
        )
    if not rows:
        raise BadRequest(f"Volume {row.id} has no such attachment: it is not attached.")
    attachments.delete(attachment=rows[0])


@transaction.atomic
def force_detach(*, volume: Volume, attachment_id: Any = None) -> None:
    """Remove attachments that nothing uses any more. Raises InvalidVolume (400), UsedByCompute (409)."""
    row = volumes.locked(volume)
    legal = (states.IN_USE, states.ATTACHING, states.DETACHING, states.RESERVED, *states.ERRORS)
    if row.status not in legal:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be in-use, attaching, detaching or in error to force its detachment, "
            f"not {row.status}."
        )
    for attachment in selectors.of_volume(volume_id=row.id):
        if not attachment_id or str(attachment.id) == str(attachment_id):
            attachments.delete(attachment=attachment)
    if not selectors.of_volume(volume_id=row.id):
        volume_states.move(volume_id=row.id, status=states.AVAILABLE, before=legal)


@transaction.atomic
def connect(*, volume: Volume) -> dict[str, Any]:
    """Return what a host is to open the disk with (os-initialize_connection). Raises InvalidVolume (400)."""
    row = volumes.locked(volume)
    if row.status not in (states.AVAILABLE, states.ATTACHING, states.RESERVED, states.IN_USE, states.DETACHING):
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is {row.status}: it cannot be connected.")
    mode = states.READ_ONLY if row.read_only else states.READ_WRITE
    return {
        "driver_volume_type": "celerity",
        "data": {
            "volume_id": str(row.id),
            "access_mode": mode,
            "encrypted": row.encrypted,
            "qos_specs": None,
            "discard": False,
        },
    }
