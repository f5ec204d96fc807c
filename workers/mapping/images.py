"""Image rows as what a host fetches."""

import uuid
from typing import Any

from apps.images.selectors import blobs
from apps.images.selectors import images as selectors
from workers.drivers.storage.base import ImageSource, ImageSpec


def of_server(server: Any) -> tuple[ImageSpec, ImageSource]:
    """Return a server's image and where its bits are. Raises NotFound when the image is gone.

    On the API's own machine the bits are read from its disk; elsewhere they come over HTTP by a signed address.
    """
    image = selectors.get(image_id=_id(server))
    spec = ImageSpec(
        id=str(image.id),
        sha512=image.os_hash_value or "",
        size=image.size or 0,
        disk_format=image.disk_format,  # type: ignore[arg-type]
        virtual_size=image.virtual_size,
        min_disk=image.min_disk,
    )
    path = blobs.path(image)
    return spec, ImageSource(url=path.as_uri() if path.exists() else blobs.signed_url(image))


def _id(server: Any) -> uuid.UUID:
    key = server.image_id
    return key if isinstance(key, uuid.UUID) else uuid.UUID(str(key))
