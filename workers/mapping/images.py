"""Image rows as what a host fetches."""

import uuid

from django.conf import settings

from apps.images.selectors import blobs
from apps.images.selectors import images as selectors
from workers.drivers.storage.base import ImageSource, ImageSpec


def spec_of(image_id: uuid.UUID) -> ImageSpec:
    """Raises NotFound when the image is gone."""
    image = selectors.get(image_id=image_id)
    return ImageSpec(
        id=str(image.id),
        sha512=image.os_hash_value,
        size=image.size,
        disk_format=image.disk_format,
        virtual_size=image.virtual_size,
        min_disk=image.min_disk,
    )


def source_of(image: ImageSpec) -> ImageSource:
    """Return the blob on this machine's disk where it is, else the API's internal address of it."""
    path = blobs.path_of(sha512=image.sha512)
    if path.exists():
        return ImageSource(url=path.as_uri())
    return ImageSource(url=blobs.internal_url(sha512=image.sha512, base=settings.PUBLIC_URL))
