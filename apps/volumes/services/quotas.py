"""The volume service's resources in the one quota system, and its refusals in Cinder's words."""

import uuid
from collections.abc import Mapping

from django.conf import settings

from apps.quotas import registry
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits
from apps.quotas.services import reservations
from apps.volumes import exceptions
from apps.volumes.selectors import groups, quota_amounts, quota_counts, quota_sets

PER_VOLUME = "per_volume_gigabytes"


def register() -> None:
    """Register the limits, and how the reserved resources are counted again."""
    counts = {groups.QUOTA: groups.count}
    registry.register(
        [
            registry.Resource(name=name, service="volume", setting="VOLUME_QUOTAS", count=counts.get(name))
            for name in settings.VOLUME_QUOTAS
        ]
    )
    registry.register_recount(service="volume", resources=quota_counts.RESOURCES, recount=quota_counts.recount)


def reserve(*, project_id: str, each: Mapping[str, int], consumer: uuid.UUID) -> None:
    """Reserve amounts in the caller's transaction, last: the usage's rows stay locked until the commit.

    Raises OverLimit (413) in Cinder's words.
    """
    try:
        reservations.reserve(owner_id=project_id, each=each, consumers=[consumer])
    except QuotaExceeded as error:
        raise _refusal(error) from None


def check_size(*, project_id: str, size: int) -> None:
    """Raise VolumeSizeExceedsLimit (413) for a volume that is larger than one may be. 1 query."""
    allowed = limits.of(owner_id=project_id, resource=PER_VOLUME)
    if 0 <= allowed < size:
        raise exceptions.VolumeSizeExceedsLimit(size=size, allowed=allowed)


def _refusal(error: QuotaExceeded) -> exceptions.OverLimit:
    resource = str(error.values["resource"])
    values = {**error.values, "name": quota_sets.name_of(resource)}
    kinds: dict[str, type[exceptions.OverLimit]] = {
        quota_amounts.VOLUMES: exceptions.VolumeLimitExceeded,
        quota_amounts.SNAPSHOTS: exceptions.SnapshotLimitExceeded,
        quota_amounts.GIGABYTES: exceptions.GigabytesExceeded,
        quota_amounts.BACKUPS: exceptions.BackupLimitExceeded,
        quota_amounts.BACKUP_GIGABYTES: exceptions.BackupGigabytesExceeded,
    }
    return kinds[registry.whole(resource)](**values)
