"""Comparing usages of reserved resources with the rows, and correcting them. Counted resources have one record only."""

import uuid
from dataclasses import dataclass

from django.db import connection, transaction

from apps.quotas import locks, registry
from apps.quotas.selectors import reservations as reservation_selectors
from apps.quotas.selectors import usages
from apps.quotas.services import reservations


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Pairs are (in use, reserved)."""

    owner_id: str
    resource: str
    recorded: tuple[int, int]
    counted: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"{self.owner_id} {self.resource}: recorded {self.recorded[0]} in use and {self.recorded[1]} reserved, "
            f"the rows say {self.counted[0]} and {self.counted[1]}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """``orphans`` are consumers with a reservation and without a row."""

    differences: list[Difference]
    orphans: list[uuid.UUID]

    def __bool__(self) -> bool:
        return bool(self.differences or self.orphans)


@transaction.atomic
def verify() -> Differences:
    """Return the differences between usages and rows, read in one snapshot."""
    with connection.cursor() as cursor:
        if len(connection.savepoint_ids) == 0:  # a snapshot is for whole transactions
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return _compare()


@transaction.atomic
def repair() -> Differences:
    """Correct the usages and return the differences that were corrected.

    Writers of usages wait meanwhile. They write their own rows in the same transaction, so the comparison sees a
    change completely or not at all.
    """
    locks.all_usage()
    before = _compare()
    if before.orphans:
        reservations.cancel(consumers=before.orphans)
    for difference in _compare().differences:
        reservations.correct(
            owner_id=difference.owner_id,
            resource=difference.resource,
            in_use=difference.counted[0],
            reserved=difference.counted[1],
        )
    return before


def _compare() -> Differences:
    counted, orphans = _recount()
    reserved_resources = frozenset[str]().union(*(resources for resources, _ in registry.recounters()))
    recorded = {key: pair for key, pair in usages.everything().items() if registry.whole(key[1]) in reserved_resources}
    differences = [
        Difference(
            owner_id=key[0], resource=key[1], recorded=recorded.get(key, (0, 0)), counted=counted.get(key, (0, 0))
        )
        for key in sorted({*recorded, *counted})
        if recorded.get(key, (0, 0)) != counted.get(key, (0, 0))
    ]
    return Differences(differences=differences, orphans=orphans)


def _recount() -> tuple[dict[registry.Key, tuple[int, int]], list[uuid.UUID]]:
    """Return (owner, resource) -> (in use, reserved) from the rows of every service, and consumers without a row."""
    reserved = reservation_selectors.by_consumer()
    counted: dict[registry.Key, tuple[int, int]] = {}
    orphans: list[uuid.UUID] = []
    for resources, recount in registry.recounters():
        result = recount(reserved)
        for key in {*result.in_use, *result.reserved}:
            counted[key] = (result.in_use.get(key, 0), result.reserved.get(key, 0))
        orphans += [
            consumer
            for consumer, amounts in reserved.items()
            if consumer not in result.consumers
            and any(registry.whole(resource) in resources for _, resource in amounts)
        ]
    return counted, orphans
