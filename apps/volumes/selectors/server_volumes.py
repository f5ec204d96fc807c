"""Reading volumes for the servers that have them, or are to have them."""

import uuid
from collections.abc import Collection, Iterable

from apps.volumes.models import Snapshot, Volume


def hosts_of(*, volumes: Iterable[Volume]) -> frozenset[str]:
    """Return the hosts that have the data of volumes, or what they are to be made of. At most 2 queries."""
    rows = list(volumes)
    hosts = {row.host for row in rows if row.host}
    unmade = [row for row in rows if not row.host]
    sources = {row.source_volume_id for row in unmade if row.source_volume_id}
    snapshots = {row.source_snapshot_id for row in unmade if row.source_snapshot_id}
    if snapshots:
        sources |= set(Snapshot.objects.filter(id__in=snapshots).values_list("volume_id", flat=True))
    if sources:
        hosts |= set(Volume.objects.filter(id__in=sources).exclude(host="").values_list("host", flat=True))
    return frozenset(hosts)


def needed_hosts(*, volume_ids: Collection[uuid.UUID]) -> frozenset[str]:
    """Return the same by the volumes' IDs. At most 3 queries."""
    return hosts_of(volumes=rows_of(volume_ids=volume_ids).values())


def rows_of(*, volume_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Volume]:
    """Return the volumes that are not deleted. 1 query."""
    return {row.id: row for row in Volume.objects.filter(id__in=list(volume_ids), deleted_at=None)}
