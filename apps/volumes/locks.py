"""Locks of volumes, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

import uuid

from apps.common.lock_order import Rank, ranked
from apps.volumes.models import Backup, Pool, Snapshot, Volume, VolumeKey, VolumeType


@ranked(Rank.VOLUME_TYPE)
def volume_type(type_id: uuid.UUID) -> VolumeType | None:
    """Lock a type to change or delete it: volumes that come to refer to it wait."""
    return VolumeType.objects.select_for_update().filter(id=type_id).first()


@ranked(Rank.VOLUME)
def volume(volume_id: uuid.UUID) -> Volume | None:
    """Lock a volume that is not deleted, also while its attachments and snapshots change.

    It comes before its runs, its reservations and its allocation.
    """
    return Volume.objects.select_for_update(no_key=True).filter(id=volume_id, deleted_at=None).first()


@ranked(Rank.SNAPSHOT)
def snapshot(snapshot_id: uuid.UUID) -> Snapshot | None:
    """Lock a snapshot that is not deleted. It comes after its volume and before its runs and its reservations."""
    return Snapshot.objects.select_for_update(no_key=True).filter(id=snapshot_id, deleted_at=None).first()


@ranked(Rank.BACKUP)
def backup(backup_id: uuid.UUID) -> Backup | None:
    """Lock a backup that is not deleted. It comes after its volume and before its runs and its reservations."""
    return Backup.objects.select_for_update(no_key=True).filter(id=backup_id, deleted_at=None).first()


@ranked(Rank.VOLUME_KEY)
def volume_keys() -> list[VolumeKey]:
    """Lock the keys of all volumes and backups, by id."""
    return list(VolumeKey.objects.select_for_update().order_by("id"))


@ranked(Rank.INVENTORY)
def pools(backend: str) -> None:
    """Lock the pools of a back end: one new volume after another counts those before it. As a host's inventory."""
    list(Pool.objects.select_for_update().filter(backend=backend).order_by("id"))
