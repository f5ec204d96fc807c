"""New content for a volume: that of an image (os-reimage)."""

import uuid

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.volumes import exceptions, rpcapi, states
from apps.volumes.models import Attachment, Volume
from apps.volumes.selectors import volume_keys
from apps.volumes.services import volume_requests, volumes


@transaction.atomic
def begin(*, context: RequestContext, volume: Volume, image_id: uuid.UUID, reserved: bool = False) -> None:
    """Begin to write an image over all that the volume has; its snapshots stay. ``reserved``: also a reserved volume.

    Raises BadRequest, InvalidInput, InvalidVolume (400).
    """
    image = volume_requests.usable_image(context, str(image_id))
    if not image.size:
        raise exceptions.InvalidInput(reason=f"Image {image.id} has no data.")
    if volume_keys.of_image(image_id=image.id) is not None:
        raise exceptions.InvalidInput(reason=f"Image {image.id} is that of an encrypted volume: make a volume of it.")
    row = volumes.locked(volume)
    volume_requests.check_fits(image, row.size)
    legal = (states.AVAILABLE, states.ERROR, *((states.RESERVED,) if reserved else ()))
    if row.status not in legal:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be {' or '.join(legal)} to get an image, not {row.status}."
        )
    if not row.host:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} was never made: it is in no pool.")
    if Attachment.objects.filter(volume_id=row.id).exclude(status=states.RESERVED).exists():
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is still attached, detach volume first.")
    volumes.check_snapshots_made(row)
    volumes.check_copies(row)
    now = timezone.now()
    Volume.objects.filter(id=row.id).update(status=states.DOWNLOADING, previous_status=row.status, updated_at=now)
    shown = volume_requests.of_image(image)
    try:
        with transaction.atomic():
            rpcapi.reimage(context=context, volume=row, image_id=image.id, metadata=shown)
    except IntegrityError:  # a server's run has it
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is busy; try again.") from None
    audit.record("volume.reimage", "volume", row.id, details={"image": str(image.id)})
