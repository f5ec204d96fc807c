"""How the volume service's reserved resources are counted from its rows (quota_verify)."""

import uuid
from collections import defaultdict
from collections.abc import Mapping

from apps.quotas.registry import Key, Recount, Reservations
from apps.volumes import states
from apps.volumes.models import Backup, Snapshot, Volume
from apps.volumes.selectors import quota_amounts

RESOURCES = (*quota_amounts.RESERVED_RESOURCES, quota_amounts.BACKUPS, quota_amounts.BACKUP_GIGABYTES)
COUNTS = (quota_amounts.VOLUMES, quota_amounts.SNAPSHOTS, quota_amounts.BACKUPS)


def recount(reservations: Reservations) -> Recount:
    """Count volumes, snapshots, backups and their GiB, in all and by type. 3 queries.

    Their amounts are reserved while the reservations of their creation are open, and in use from then on. What an
    extension takes more is reserved until it is done: its reservations are of GiB alone. A volume that moves has those
    of its new type beside its usage.
    """
    in_use: dict[Key, int] = defaultdict(int)
    reserved: dict[Key, int] = defaultdict(int)
    consumers: set[uuid.UUID] = set()

    def add(consumer: uuid.UUID, project_id: str, amounts: Mapping[str, int]) -> None:
        consumers.add(consumer)
        promised = reservations.get(consumer, {})
        is_new = any((project_id, resource) in promised for resource in COUNTS)
        for resource, amount in amounts.items():
            reserved[project_id, resource] += promised.get((project_id, resource), 0)
            in_use[project_id, resource] += amount if not is_new else 0

    volumes = Volume.objects.filter(deleted_at=None).only("id", "project_id", "size", "volume_type_id")
    for volume in volumes.order_by().iterator(chunk_size=2000):
        add(volume.id, volume.project_id, quota_amounts.of_volume(volume))
        new_type = quota_amounts.transfer_of(volume.id)
        consumers.add(new_type)
        for key, amount in reservations.get(new_type, {}).items():
            reserved[key] += amount
    snapshots = Snapshot.objects.filter(deleted_at=None).select_related("volume")
    fields = ("id", "project_id", "size", "volume__volume_type_id")
    for snapshot in snapshots.only(*fields).order_by().iterator(chunk_size=2000):
        add(snapshot.id, snapshot.project_id, quota_amounts.of_snapshot(snapshot))
    backups = Backup.objects.filter(deleted_at=None).only("id", "project_id", "size")
    for backup in backups.order_by().iterator(chunk_size=2000):
        add(backup.id, backup.project_id, quota_amounts.of_backup(backup))
    return Recount(in_use=in_use, reserved=reserved, consumers=consumers)


def retyping() -> set[uuid.UUID]:
    """Return the consumers of what is reserved for volumes that change their type: their runs settle it. 1 query."""
    rows = Volume.objects.filter(status=states.RETYPING, deleted_at=None).values_list("id", flat=True)
    return {quota_amounts.transfer_of(volume_id) for volume_id in rows}
