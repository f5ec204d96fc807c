"""Images of volumes: the image's row and the run that fills it, written together."""

import uuid
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.images import attributes
from apps.images.services import images
from apps.volumes import exceptions, rpcapi, states
from apps.volumes.models import Volume
from apps.volumes.services import volume_keys, volumes

if TYPE_CHECKING:
    from apps.images.models import Image

FORMATS = ("raw", "qcow2")
CONTAINER = "bare"
# What a volume knows of its image that an image of the volume does not get.
_OWN = ("checksum", "container_format", "disk_format", "image_id", "image_name", "min_disk", "min_ram", "size",
        "signature_verified")  # fmt: skip


def upload(*, context: RequestContext, volume: Volume, values: dict[str, Any]) -> "Image":
    """Begin to make an image of the volume, also of one in use if ``values`` say ``force``. Returns the image's row.

    Raises InvalidVolume and InvalidInput (400), QuotaExceeded (413) of the image service.
    """
    disk_format, container = values.get("disk_format") or FORMATS[0], values.get("container_format") or CONTAINER
    if disk_format not in FORMATS or container != CONTAINER:
        raise exceptions.InvalidInput(
            reason=f"an image of a volume is {' or '.join(FORMATS)} in {CONTAINER}, not {disk_format} in {container}"
        )
    run_id = uuid.uuid4()
    columns = {
        "name": values["image_name"],
        "disk_format": disk_format,
        "container_format": container,
        "visibility": values.get("visibility") or "private",
        "protected": bool(values.get("protected")),
        "min_disk": volume.size,
    }
    with transaction.atomic():
        owner = context.project_id or volume.project_id
        key_id = uuid.uuid4() if volume.encrypted else None
        properties = _properties(volume) | volume_keys.properties_of(key_id)
        image = images.create_to_fill(project_id=owner, run_id=run_id, values=columns, properties=properties)
        row = volumes.locked(volume)
        _check(row, bool(values.get("force")), disk_format)
        volume_keys.give_to_image(volume=row, image_id=image.id, key_id=key_id)
        Volume.objects.filter(id=row.id).update(
            status=states.UPLOADING, previous_status=row.status, updated_at=timezone.now()
        )
        rpcapi.upload_image(context=context, volume=row, image_id=image.id, disk_format=disk_format, run_id=run_id)
        audit.record("volume.upload_image", "volume", row.id, details={"image": str(image.id)})
    return image


def _check(row: Volume, force: bool, disk_format: str) -> None:
    legal = (states.AVAILABLE, states.IN_USE) if force else (states.AVAILABLE,)
    if row.status not in legal:
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} status must be {' or '.join(legal)}, but current status is: {row.status}."
        )
    volumes.check_copied_in_use(row)
    if row.encrypted and disk_format != FORMATS[0]:
        raise exceptions.InvalidInput(
            reason=f"an image of an encrypted volume is {FORMATS[0]} in {CONTAINER}, not {disk_format}"
        )


def _properties(volume: Volume) -> dict[str, str]:
    return {
        key: value
        for key, value in volume.image_metadata.items()
        if key not in _OWN and not key.startswith((attributes.RESERVED_PREFIX, volume_keys.KEY_PREFIX))
    }
