"""Reading the keys of encrypted volumes and backups; what is in them only the service opens."""

import uuid
from collections.abc import Iterable

from apps.volumes.models import VolumeKey


def of_volume(*, volume_id: uuid.UUID, is_next: bool = False) -> VolumeKey | None:
    """Return a volume's key. ``is_next``: that of the copy which a change of the type makes. 1 query."""
    return VolumeKey.objects.filter(volume_id=volume_id, is_next=is_next).first()


def of_backup(*, backup_id: uuid.UUID) -> VolumeKey | None:
    """Return a backup's key. 1 query."""
    return VolumeKey.objects.filter(backup_id=backup_id).first()


def ids_of_volumes(*, volume_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the keys' IDs, by the volumes. 1 query."""
    rows = VolumeKey.objects.filter(volume_id__in=list(volume_ids), is_next=False).values_list("volume_id", "id")
    return {volume_id: key for volume_id, key in rows if volume_id is not None}
