"""Moving volumes that a server has: what the steps write of its attachments; see ``volume_migrations``."""

import uuid

from django.db import transaction
from django.utils import timezone

from apps.volumes import states
from apps.volumes.models import Attachment, Volume
from apps.volumes.services import servers


def why_not(row: Volume) -> str:
    """Return why those who have the volume cannot have it meanwhile; "" if they can."""
    rows = list(Attachment.objects.filter(volume_id=row.id))
    if not rows:
        return "" if row.status == states.AVAILABLE else "it is in use, and no server has it"
    if row.status == states.AVAILABLE:  # an operator set the status
        return "it is attached"
    if len(rows) > 1:
        return "several servers have it"
    if row.encrypted:
        return "a server has it, and it is encrypted"
    known = rows[0]
    if not (known.by_compute and known.server_id is not None and known.status == states.ATTACHED and known.host):
        return "it is attached to no running server of this cloud"
    if known.mode == states.READ_ONLY:
        return "its server has it read-only"
    return servers.why_not_copied(known.server_id)


@transaction.atomic
def arrival(*, volume: Volume, run_id: uuid.UUID, attachment: Attachment) -> Attachment:
    """Return the attachment by which the server's host opens the volume where it goes to: the run's. Repeated, it gives
    the same.
    """
    known = {
        "server_id": attachment.server_id, "host": attachment.host, "mode": attachment.mode, "by_compute": True,
        "connector": attachment.connector, "device": attachment.device, "serial": attachment.serial,
        "at_target": True, "status": states.RESERVED,
    }  # fmt: skip
    row, _ = Attachment.objects.get_or_create(id=run_id, defaults={"volume": volume, **known})
    row.volume = volume
    return row


def is_undecided(*, volume_id: uuid.UUID) -> bool:
    """Return whether a guest may have the volume at the target: without a run, its host alone knows. 1 query."""
    return Attachment.objects.filter(volume_id=volume_id, at_target=True).exists()


def end_arrival(*, run_id: uuid.UUID) -> None:
    """The server's host opens nothing at the target any more. Absent is success."""
    Attachment.objects.filter(id=run_id, at_target=True).delete()


@transaction.atomic
def take_over(*, run_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """The guest has the volume on the target: by the run's attachment, which takes the place of the former one."""
    before = Attachment.objects.filter(id=attachment_id).first()
    row = Attachment.objects.select_related("volume").filter(id=run_id, at_target=True).first()
    if before is None or row is None:
        return
    now = timezone.now()
    Attachment.objects.filter(id=row.id).update(
        at_target=False, status=states.ATTACHED, attached_at=before.attached_at or now, updated_at=now,
        connection_info={**before.connection_info, "attachment_id": str(row.id)},
    )  # fmt: skip
    before.delete()
