"""Which images hosts can have in their caches before a server asks for them."""

import uuid
from collections.abc import Sequence

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.compute.services.server_requests.image import BOOTABLE
from apps.images.selectors import images


def check(*, context: RequestContext, image_ids: Sequence[uuid.UUID]) -> None:
    """Raise BadRequest (400) for an image that the caller cannot see, or that no server boots from."""
    for key in image_ids:
        try:
            image = images.get_visible(context=context, image_id=key)
        except NotFound as error:
            raise BadRequest(f"Image {key} could not be found.") from error
        if image.status != "active" or not image.size or image.disk_format not in BOOTABLE:
            raise BadRequest(f"Image {key} cannot be cached: it is not active, or no server boots from it.")
