"""Charges of uploads, to the project and the store: bytes are charged before they are written, and released when
deleted.

An image that is deleted while its bytes come in keeps its charge until nothing of them is left (OSSA-2015-003).
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from apps.images import exceptions, pool, pool_room
from apps.images.models import Image
from apps.quotas import registry
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.services import counting

STEP = 64 * 1024 * 1024  # bytes that are charged at once for an upload of unknown length
MIB = 1024 * 1024


def register() -> None:
    """Register the image service's resources: images, and the bytes of images and active uploads."""
    counts = {"image_count_total": (count, 1), "image_size_total": (used_bytes, MIB)}
    registry.register(
        [
            registry.Resource(name=name, service="image", setting="IMAGE_QUOTAS", count=counter, unit=unit)
            for name, (counter, unit) in counts.items()
        ]
    )


def count(project_id: str) -> int:
    """Return how many images a project has, and deleted ones whose upload has not ended. 2 queries."""
    rows = Image.objects.filter(project_id=project_id)
    return rows.filter(deleted_at=None).count() + rows.exclude(deleted_at=None).filter(charged__gt=0).count()


def used_bytes(project_id: str) -> int:
    """Return the bytes of a project's images and of its uploads under way. 2 queries."""
    rows = Image.objects.filter(project_id=project_id)
    stored = rows.filter(deleted_at=None).aggregate(total=Sum("size"))["total"] or 0
    return int(stored + (rows.filter(charged__gt=0).aggregate(total=Sum("charged"))["total"] or 0))


def check_count(project_id: str) -> None:
    """Refuse one image more than the project may have. Call it inside the transaction that writes.

    Raises QuotaExceeded (413).
    """
    try:
        counting.check(resource="image_count_total", owner_id=project_id)
    except QuotaExceeded as error:
        raise exceptions.QuotaExceeded(what="images", allowed=error.values["allowed"], unit="") from None


def check_room(size: int, *, under_way: bool = False, staged: bool = True) -> int:
    """Return the bytes that the store's disk has besides its reserve, and its pool. What is not ``staged`` needs the
    pool alone. An upload that is ``under_way`` continues while the pool's cluster does not answer.

    Raises NoRoom (507) for more than those.
    """
    rooms = [_room_of_disk()] if staged else []
    if pool.is_used():
        rooms.append(pool_room.room(patient=under_way))
    room = min(rooms)
    if room < size:
        raise exceptions.NoRoom
    return room


def _room_of_disk() -> int:
    directory = Path(settings.IMAGE_DIR)
    while not directory.is_dir():
        directory = directory.parent
    return shutil.disk_usage(directory).free - int(settings.IMAGE_RESERVE)


def check_size(project_id: str, size: int, *, copies: int = 1, staged: bool = True) -> int:
    """Refuse an upload of ``size`` bytes that the project has no quota for, or the store no room for ``copies`` of it.

    Return the bytes that an upload may have instead. Raises QuotaExceeded (413), NoRoom (507).
    """
    room = min(check_room(size * copies, staged=staged) // copies, int(settings.IMAGE_SIZE_CAP))
    with _size_refused():
        left = counting.check_unlocked(resource="image_size_total", owner_id=project_id, adding=size)
    return room if left is None else min(room, left)


@contextmanager
def _size_refused() -> Iterator[None]:
    try:
        yield
    except QuotaExceeded as error:
        raise exceptions.QuotaExceeded(
            what="the size of all images", allowed=error.values["allowed"], unit=" MiB"
        ) from None


class Charge:
    """The bytes of one upload, charged in steps. ``limited`` False: the cloud's own work, the store's room counts."""

    def __init__(self, image: Image, *, limited: bool = True, staged: bool = True) -> None:
        self._image, self._limited, self._staged = image, limited, staged
        self.size = 0

    def cover(self, size: int) -> None:
        """Charge ``size`` bytes in all. Raises QuotaExceeded (413), NoRoom (507)."""
        if size <= self.size:
            return
        added = size - self.size
        check_room(added, under_way=True, staged=self._staged)
        with transaction.atomic():
            if self._limited:
                with _size_refused():
                    counting.check(resource="image_size_total", owner_id=self._image.project_id, adding=added)
            Image.objects.filter(id=self._image.id).update(charged=size)
        self.size = size

    def writer(self, write: Callable[[bytes], object]) -> Callable[[bytes], object]:
        """Return a function that writes a chunk and charges it first."""
        written = 0

        def charged(chunk: bytes) -> object:
            nonlocal written
            written += len(chunk)
            if written > self.size:
                self._grow(written)
            return write(chunk)

        return charged

    def _grow(self, size: int) -> None:
        """Charge some bytes more than are needed, so that it is not done for each chunk; just those if they fit."""
        try:
            self.cover(self.size + max(STEP, size - self.size))
        except (exceptions.QuotaExceeded, exceptions.NoRoom):
            self.cover(size)

    def release(self) -> None:
        """End the charge: the bytes are deleted, or belong to an image that is counted itself."""
        release(self._image)


def release(image: Image) -> None:
    """End the charge of an image's upload. For the sweeper, once nothing is staged."""
    Image.objects.filter(id=image.id).exclude(charged=0).update(charged=0)
