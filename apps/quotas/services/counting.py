"""Limits of counted resources: the rows are counted when one is added, one writer at a time for each owner."""

from collections.abc import Callable

from apps.quotas import locks, registry
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits, usages


def check(*, resource: str, owner_id: str, adding: int = 1) -> None:
    """Refuse ``adding`` more than the limit allows. Call it in the transaction that adds the rows: its lock ends there.

    ``adding`` is in the unit that the resource's ``count`` returns. At most 3 queries. Raises QuotaExceeded (403).
    """
    check_after(resource=resource, owner_id=owner_id, adding=lambda: adding)


def check_after(*, resource: str, owner_id: str, adding: Callable[[], int]) -> None:
    """Refuse as ``check`` does, with an amount that is read under the lock: what others have promised meanwhile."""
    if (allowed := limits.of(owner_id=owner_id, resource=resource)) >= 0:
        locks.counted(resource, owner_id)
        _refuse_beyond(resource, owner_id, adding(), allowed)


def check_unlocked(*, resource: str, owner_id: str, adding: int) -> int | None:
    """Refuse as ``check`` does, without a lock: concurrent writers may exceed the limit. 2 queries.

    Return how many more the owner may have before these are added; None if unlimited. Raises QuotaExceeded (403).
    """
    allowed = limits.of(owner_id=owner_id, resource=resource)
    return _refuse_beyond(resource, owner_id, adding, allowed) if allowed >= 0 else None


def _refuse_beyond(resource: str, owner_id: str, adding: int, allowed: int) -> int:
    unit = registry.get(resource).unit
    used = usages.count(owner_id=owner_id, resource=resource)
    left = allowed * unit - used
    if left < adding:
        raise QuotaExceeded(resource=resource, requested=adding, used=used, allowed=allowed)
    return left
