"""Reading volumes for the servers that have them, or are to have them."""

import uuid
from collections.abc import Collection, Iterable

from apps.volumes.models import Snapshot, Volume


def source_hosts(*, volumes: Iterable[Volume]) -> frozenset[str]:
    """Return the hosts that have what volumes are to be made of: they are made there. At most 2 queries."""
    unmade = [row for row in volumes if not row.host]
    sources = {row.source_volume_id for row in unmade if row.source_volume_id}
    snapshots = {row.source_snapshot_id for row in unmade if row.source_snapshot_id}
    if snapshots:
        sources |= set(Snapshot.objects.filter(id__in=snapshots).values_list("volume_id", flat=True))
    if not sources:
        return frozenset()
    return frozenset(Volume.objects.filter(id__in=sources).exclude(host="").values_list("host", flat=True))


def places(*, volume_ids: Collection[uuid.UUID]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the hosts that have volumes' data, and those where volumes have to be made. At most 3 queries."""
    rows = list(rows_of(volume_ids=volume_ids).values())
    return frozenset(row.host for row in rows if row.host), source_hosts(volumes=rows)


def rows_of(*, volume_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Volume]:
    """Return the volumes that are not deleted. 1 query."""
    return {row.id: row for row in Volume.objects.filter(id__in=list(volume_ids), deleted_at=None)}
