"""Writing single tags of images. Callers have checked policy."""

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.images import attributes, exceptions
from apps.images.models import Image
from apps.images.services import images


def add(*, context: RequestContext, image: Image, tag: str) -> None:
    """Put a tag on an image; it may be there already."""
    if not attributes.is_tag(tag):
        raise BadRequest(f"Invalid tag: {attributes.TAG_RULE}.")

    def change(row: Image) -> None:
        if tag not in row.tags:
            row.tags = [*row.tags, tag]

    images.update(context=context, image=image, changes=change)


def remove(*, context: RequestContext, image: Image, tag: str) -> None:
    """Take a tag off an image. Raises TagNotFound (404)."""

    def change(row: Image) -> None:
        if tag not in row.tags:
            raise exceptions.TagNotFound(tag=tag[:255], id=row.id)
        row.tags = [held for held in row.tags if held != tag]

    images.update(context=context, image=image, changes=change)
