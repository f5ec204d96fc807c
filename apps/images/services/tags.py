"""Writing single tags of images."""

import uuid

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.images import attributes, exceptions
from apps.images.models import Image
from apps.images.services import images


def add(*, context: RequestContext, image_id: uuid.UUID, tag: str) -> None:
    """Put a tag on an image; it may be there already."""
    if not attributes.is_tag(tag):
        raise BadRequest(f"Invalid tag: {attributes.TAG_RULE}.")

    def change(image: Image) -> None:
        if tag not in image.tags:
            image.tags = [*image.tags, tag]

    images.update(context=context, image_id=image_id, changes=change)


def remove(*, context: RequestContext, image_id: uuid.UUID, tag: str) -> None:
    """Take a tag off an image. Raises TagNotFound (404)."""

    def change(image: Image) -> None:
        if tag not in image.tags:
            raise exceptions.TagNotFound(tag=tag[:255], id=image.id)
        image.tags = [one for one in image.tags if one != tag]

    images.update(context=context, image_id=image_id, changes=change)
