"""Reading the keys of encrypted volumes and backups; what is in them only the service opens."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.images.selectors import images
from apps.volumes import states
from apps.volumes.models import Volume, VolumeKey


def of_volume(*, volume_id: uuid.UUID, is_next: bool = False) -> VolumeKey | None:
    """Return a volume's key. ``is_next``: that of the copy which a change of the type makes. 1 query."""
    return VolumeKey.objects.filter(volume_id=volume_id, is_next=is_next).first()


def of_backup(*, backup_id: uuid.UUID) -> VolumeKey | None:
    """Return a backup's key. 1 query."""
    return VolumeKey.objects.filter(backup_id=backup_id).first()


def of_image(*, image_id: uuid.UUID) -> VolumeKey | None:
    """Return the key of an image of an encrypted volume; None for other images. 1 query."""
    return VolumeKey.objects.filter(image_id=image_id, volume=None, backup=None).first()


def ids_of_volumes(*, volume_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the keys' IDs, by the volumes. 1 query."""
    rows = VolumeKey.objects.filter(volume_id__in=list(volume_ids), is_next=False).values_list("volume_id", "id")
    return {volume_id: key for volume_id, key in rows if volume_id is not None}


def missing() -> list[uuid.UUID]:
    """Return the encrypted volumes without a key: nothing opens them. 1 query."""
    rows = Volume.objects.filter(encrypted=True, deleted_at=None).exclude(keys__is_next=False)
    return list(rows.order_by("id").values_list("id", flat=True))


def left(*, seconds: float = 0) -> list[uuid.UUID]:
    """Return the volumes, backups and images that have a key and need none: they are deleted, or in clear text.
    At most 3 queries. ``seconds``: those of images, for so long at least.
    """
    deleted = Q(volume__deleted_at__isnull=False) | Q(backup__deleted_at__isnull=False)
    moving = Q(volume__status=states.RETYPING)
    stray = (Q(volume__encrypted=False) | Q(is_next=True)) & ~moving
    rows = VolumeKey.objects.filter(deleted | Q(volume__isnull=False) & stray)
    owners = rows.annotate(owner=Coalesce(F("volume_id"), F("backup_id"))).order_by("owner")
    of_images = list(VolumeKey.objects.filter(volume=None, backup=None).values_list("image_id", flat=True))
    keys, before = [key for key in of_images if key is not None], timezone.now() - timedelta(seconds=seconds)
    gone = images.gone(image_ids=keys, before=before) if keys else []
    return [*owners.values_list("owner", flat=True), *gone]
