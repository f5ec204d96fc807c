"""Attachments: a volume is reserved for a server, its host opens the disk, the guest has it.

The compute service calls ``reserve``, ``connect``, ``complete``, ``begin_detach``, ``roll_back_detach`` and ``delete``
with ``by_compute=True``; the Block Storage API calls the same for attachments that clients manage themselves, and is
refused where the compute service made the attachment (OSSA-2023-003). Each call is one transaction that locks the
volume.
"""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.volumes import exceptions, states
from apps.volumes.models import Attachment, Volume
from apps.volumes.selectors import qos_specs, volume_keys
from apps.volumes.services import servers, volumes

MAX_ATTACHMENTS = 64  # of one volume: so many servers at most have a multi-attach volume at once
SHARED = (states.AVAILABLE, states.RESERVED, states.ATTACHING, states.IN_USE)
# Attachments decide a volume's status in these alone; in others a run works on it, whose last step looks at them.
OURS = (*SHARED, states.DETACHING)


@transaction.atomic
def reserve(
    *,
    volume: Volume,
    server_id: uuid.UUID | None,
    mode: str = "",
    host: str = "",
    by_compute: bool = False,
    replaces: Attachment | None = None,
) -> Attachment:
    """Keep the volume for a server. Returns the new attachment, reserved.

    ``mode``: "rw" or "ro"; "" is decided when the disk is opened. ``replaces``: the attachment whose place it is to
    take. Raises InvalidVolume (400).
    """
    row = volumes.locked(volume)
    before = list(Attachment.objects.filter(volume_id=row.id))
    _check_reservable(row, before, server_id)
    if replaces is not None and (row.encrypted or replaces.volume.encrypted):
        raise exceptions.InvalidVolume(
            reason="An encrypted volume cannot be swapped, nor take the place of another one."
        )
    _check_serial(row, server_id, replaces)
    if not by_compute:  # that has looked already: administrators may
        _check_server(row, server_id)
    _check_mode(row, mode)
    attachment = Attachment.objects.create(
        volume=row, server_id=server_id, mode=mode, host=host, by_compute=by_compute, status=states.RESERVED
    )
    if row.status == states.AVAILABLE:
        _set_status(row, states.RESERVED)
    audit.record("volume.reserve", "volume", row.id, details={"attachment": str(attachment.id)})
    return attachment


def _check_reservable(row: Volume, before: list[Attachment], server_id: uuid.UUID | None) -> None:
    if row.encrypted and volume_keys.of_volume(volume_id=row.id) is None:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} has no key: it was made before this cloud encrypted volumes. Create another one."
        )
    # os-reserve and the status that an operator set say nothing of attachments: those that exist count.
    legal = OURS if row.multiattach else (states.AVAILABLE, *(() if before else (states.RESERVED,)))
    if row.status not in legal:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be {states.AVAILABLE} to reserve, but the current status is "
            f"{row.status}."
        )
    if before and not row.multiattach:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is still attached to {before[0].server_id}.")
    if server_id is not None and any(attachment.server_id == server_id for attachment in before):
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is already attached to server {server_id}.")
    if len(before) >= MAX_ATTACHMENTS:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} has {len(before)} attachments: it can have no more.")


def _check_serial(row: Volume, server_id: uuid.UUID | None, replaces: Attachment | None) -> None:
    """Refuse a volume by whose ID a guest knows another disk: it was swapped for that."""
    if server_id is None:
        return
    namesake = Attachment.objects.filter(server_id=server_id, serial=str(row.id)).first()
    if namesake is not None and (replaces is None or namesake.id != replaces.id):
        raise exceptions.InvalidVolume(
            reason=f"The server {server_id} knows its volume {namesake.volume_id} by the ID of volume {row.id}, which "
            "was in its place. Detach that one first."
        )


def _check_server(row: Volume, server_id: uuid.UUID | None) -> None:
    """Refuse a server of another project, as if there were none of that ID."""
    owner = servers.project_of(server_id) if server_id is not None else None
    if owner is not None and owner != row.project_id:
        raise exceptions.InvalidVolume(reason=f"Instance {server_id} could not be found.")


def _check_mode(row: Volume, mode: str) -> None:
    if row.read_only and mode == states.READ_WRITE:
        raise exceptions.InvalidVolume(
            reason=f"The requested attach mode {mode} is invalid: volume {row.id} is read-only."
        )


@transaction.atomic
def connect(
    *,
    attachment: Attachment,
    connector: dict[str, Any],
    mode: str = "",
    device: str = "",
    by_compute: bool = False,
) -> Attachment:
    """The attachment's host opens the disk: attaching. ``connector``: what the host says of itself.

    Repeated, it gives the same. Raises AttachmentNotFound (404), UsedByCompute (409), InvalidVolume (400).
    """
    row, current = _locked(attachment, by_compute)
    if current.status not in (states.RESERVED, states.ATTACHING, states.ATTACHED):
        raise exceptions.InvalidVolume(reason=f"Attachment {current.id} is {current.status}: it cannot be connected.")
    mode = mode or current.mode or (states.READ_ONLY if row.read_only else states.READ_WRITE)
    _check_mode(row, mode)
    current.connector, current.mode = connector, mode
    current.host = str(connector.get("host") or current.host)[:255]
    current.device = (device or str(connector.get("mountpoint") or "") or current.device)[:255]
    current.connection_info = connection_info(row, current)
    if current.status == states.RESERVED:
        current.status = states.ATTACHING
        if row.status in (states.AVAILABLE, states.RESERVED):
            _set_status(row, states.ATTACHING)
    current.updated_at = timezone.now()
    current.save()
    return current


def connection_info(volume: Volume, attachment: Attachment) -> dict[str, Any]:
    """Return what a client may know of the connection. The export's name is for hosts alone."""
    return {
        "driver_volume_type": "celerity",
        "volume_id": str(volume.id),
        "attachment_id": str(attachment.id),
        "access_mode": attachment.mode,
        "qos_specs": qos_specs.limits_of(volume.volume_type, size=volume.size),
        "encrypted": volume.encrypted,
        "cacheable": False,
    }


@transaction.atomic
def complete(*, attachment: Attachment, device: str = "", by_compute: bool = False) -> Attachment:
    """The guest has the disk: the attachment is attached and the volume in use. Repeated, it gives the same.

    Raises AttachmentNotFound (404), UsedByCompute (409), InvalidVolume (400).
    """
    row, current = _locked(attachment, by_compute)
    if current.status not in (states.RESERVED, states.ATTACHING, states.ATTACHED):
        raise exceptions.InvalidVolume(reason=f"Attachment {current.id} is {current.status}: it cannot be completed.")
    now = timezone.now()
    current.device = device or current.device
    current.mode = current.mode or (states.READ_ONLY if row.read_only else states.READ_WRITE)
    current.attached_at = current.attached_at or now
    current.status, current.updated_at = states.ATTACHED, now
    current.save()
    _follow_attachments(row)
    audit.record("volume.attach", "volume", row.id, details={"server": str(current.server_id or "")})
    return current


@transaction.atomic
def begin_detach(*, attachment: Attachment, by_compute: bool = False) -> None:
    """The guest is to give the disk back: detaching. Raises AttachmentNotFound (404), UsedByCompute (409)."""
    row, current = _locked(attachment, by_compute)
    Attachment.objects.filter(id=current.id).update(status=states.DETACHING, updated_at=timezone.now())
    _follow_attachments(row)


@transaction.atomic
def roll_back_detach(*, attachment: Attachment, by_compute: bool = False) -> None:
    """The guest keeps the disk: attached and in use again. Raises AttachmentNotFound (404), UsedByCompute (409)."""
    row, current = _locked(attachment, by_compute)
    Attachment.objects.filter(id=current.id).update(status=states.ATTACHED, updated_at=timezone.now())
    _follow_attachments(row)


def keep_serial(*, attachment: Attachment, serial: str) -> None:
    """The guest knows the disk by this ID, for as long as it has it."""
    own = serial == str(attachment.volume_id)
    Attachment.objects.filter(id=attachment.id).update(serial="" if own else serial)


def delete(*, attachment: Attachment, by_compute: bool = False) -> None:
    """The server has the disk no more. An attachment that is absent is success; the last one frees the volume.

    Raises UsedByCompute (409).
    """
    with transaction.atomic():
        try:
            row, current = _locked(attachment, by_compute)
        except (exceptions.AttachmentNotFound, exceptions.VolumeNotFound):
            return
        Attachment.objects.filter(id=current.id).delete()
        _follow_attachments(row)
        audit.record("volume.detach", "volume", row.id, details={"server": str(current.server_id or "")})


def _follow_attachments(row: Volume) -> None:
    """Give the volume the status of its attachments: detaching until no server is asked to release it, as in Cinder."""
    left = set(Attachment.objects.filter(volume_id=row.id).values_list("status", flat=True))
    order = (
        (states.DETACHING, states.DETACHING),
        (states.ATTACHED, states.IN_USE),
        (states.ATTACHING, states.ATTACHING),
    )
    fallback = states.RESERVED if left else states.AVAILABLE
    _set_status(row, next((status for kind, status in order if kind in left), fallback))


def _locked(attachment: Attachment, by_compute: bool) -> tuple[Volume, Attachment]:
    """Return the volume, locked, and the attachment as it is now."""
    row = volumes.locked(attachment.volume)
    current = Attachment.objects.filter(id=attachment.id).first()
    if current is None:
        raise exceptions.AttachmentNotFound(attachment=attachment.id)
    check_client(current, by_compute)
    return row, current


def check_client(attachment: Attachment, by_compute: bool = False) -> None:
    """Raise UsedByCompute (409) where a client would end what the compute service began, for a server that exists."""
    if attachment.by_compute and not by_compute and not servers.is_gone(attachment.server_id):
        raise exceptions.UsedByCompute(volume=attachment.volume_id, server=attachment.server_id)


def _set_status(row: Volume, status: str) -> None:
    """Set the volume's status, unless a run works on the volume."""
    if row.status in OURS:
        Volume.objects.filter(id=row.id).update(status=status, updated_at=timezone.now())
        row.status = status
