"""Locks of images, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

import uuid
from contextlib import AbstractContextManager

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.images.models import Image


@ranked(Rank.IMAGE)
def image(image_id: uuid.UUID) -> Image | None:
    """Lock an image that is not deleted, to change it."""
    return Image.objects.select_for_update(no_key=True).filter(id=image_id, deleted_at=None).first()


@ranked(Rank.BLOB)
def blob(sha512: str) -> None:
    """Hold a content against adoption and removal by others. The begin of its hash is enough: a pool has no more."""
    advisory.hold(f"images.blob:{sha512[:64]}")


@ranked(Rank.SESSION)
def upload(image_id: uuid.UUID) -> AbstractContextManager[bool]:
    """Hold the right to upload an image for the block; gives False when another holds it.

    The session holds it, not a transaction. An upload whose process was killed holds no lock: by that the sweeper
    distinguishes it from a slow one.
    """
    return advisory.trying(f"images.upload:{image_id}")
