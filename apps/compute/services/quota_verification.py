"""Comparing quota usages with the rows, and correcting them."""

import uuid
from dataclasses import dataclass

from django.db import connection, transaction

from apps.compute.selectors import quota_books
from apps.quotas import locks
from apps.quotas.selectors import usages
from apps.quotas.services import reservations


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Pairs are (in use, reserved)."""

    owner_id: str
    resource: str
    booked: tuple[int, int]
    counted: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"{self.owner_id} {self.resource}: booked {self.booked[0]} in use and {self.booked[1]} reserved, "
            f"the rows say {self.counted[0]} and {self.counted[1]}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """``orphans`` are consumers with a reservation and without a row."""

    differences: list[Difference]
    orphans: list[uuid.UUID]

    def __bool__(self) -> bool:
        return bool(self.differences or self.orphans)


@transaction.atomic
def verify() -> Findings:
    """Return the differences between usages and rows, read in one snapshot."""
    with connection.cursor() as cursor:
        if len(connection.savepoint_ids) == 0:  # a snapshot is for whole transactions
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return _compare()


@transaction.atomic
def repair() -> Findings:
    """Correct the usages and return the differences that were corrected.

    Whoever changes a usage waits meanwhile: they write their own rows in the same transaction, so that none of
    their changes is half seen.
    """
    locks.all_usage()
    found = _compare()
    if found.orphans:
        reservations.cancel(consumers=found.orphans)
    for one in _compare().differences:
        reservations.correct(
            owner_id=one.owner_id, resource=one.resource, in_use=one.counted[0], reserved=one.counted[1]
        )
    return found


def _compare() -> Findings:
    counted, orphans = quota_books.recount()
    booked = {key: pair for key, pair in usages.everything().items() if key[1] in quota_books.RESOURCES}
    differences = [
        Difference(owner_id=key[0], resource=key[1], booked=booked.get(key, (0, 0)), counted=counted.get(key, (0, 0)))
        for key in sorted({*booked, *counted})
        if booked.get(key, (0, 0)) != counted.get(key, (0, 0))
    ]
    return Findings(differences=differences, orphans=orphans)
