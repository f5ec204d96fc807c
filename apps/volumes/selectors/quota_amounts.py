"""The amounts of quota that volumes, snapshots and backups take: in all, and those of volumes also of their type."""

import uuid

from apps.volumes.models import Backup, Snapshot, Volume

VOLUMES, GIGABYTES, SNAPSHOTS = "volumes", "gigabytes", "snapshots"
RESERVED_RESOURCES = (VOLUMES, GIGABYTES, SNAPSHOTS)
BACKUPS, BACKUP_GIGABYTES = "backups", "backup_gigabytes"


def of_type(resource: str, type_id: uuid.UUID) -> str:
    """Return the name of a resource's quota for one type. It has the type's ID, which outlives a new name."""
    return f"{resource}:{type_id}"


def of_volume(volume: Volume) -> dict[str, int]:
    """Return what a volume takes: 1 volume and its GiB."""
    return _with_type({VOLUMES: 1, GIGABYTES: volume.size}, volume.volume_type_id)


def of_extension(volume: Volume, new_size: int) -> dict[str, int]:
    """Return what an extension to ``new_size`` GiB takes more."""
    return _with_type({GIGABYTES: new_size - volume.size}, volume.volume_type_id)


def of_snapshot(snapshot: Snapshot) -> dict[str, int]:
    """Return what a snapshot takes: 1 snapshot and as many GiB as its volume had. Its volume's row is read."""
    return _with_type({SNAPSHOTS: 1, GIGABYTES: snapshot.size}, snapshot.volume.volume_type_id)


def with_snapshots(volume: Volume) -> dict[str, int]:
    """Return what a volume takes with its snapshots. 1 query."""
    amounts = dict(of_volume(volume))
    for snapshot in Snapshot.objects.filter(volume_id=volume.id, deleted_at=None):
        snapshot.volume = volume
        for resource, amount in of_snapshot(snapshot).items():
            amounts[resource] = amounts.get(resource, 0) + amount
    return amounts


def of_backup(backup: Backup) -> dict[str, int]:
    """Return what a backup takes: 1 backup and as many GiB as its volume had, an incremental one too, as in Cinder."""
    return {BACKUPS: 1, BACKUP_GIGABYTES: backup.size}


def transfer_of(volume_id: uuid.UUID) -> uuid.UUID:
    """Return the consumer of what is reserved to accept a volume, or to give it another type."""
    return uuid.uuid5(volume_id, "transfer")


def _with_type(amounts: dict[str, int], type_id: uuid.UUID | None) -> dict[str, int]:
    if type_id is None:
        return amounts
    return amounts | {of_type(resource, type_id): amount for resource, amount in amounts.items()}
