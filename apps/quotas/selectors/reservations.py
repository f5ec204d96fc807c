"""Promises that are not settled yet."""

import uuid
from collections import defaultdict

from apps.quotas.models import Reservation


def by_consumer() -> dict[uuid.UUID, dict[tuple[str, str], int]]:
    """Return consumer -> (owner, resource) -> amount, of the whole cloud. 1 query."""
    amounts_of: dict[uuid.UUID, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for consumer, owner, resource, delta in Reservation.objects.values_list(
        "consumer_id", "owner_id", "resource", "delta"
    ):
        amounts_of[consumer][owner, resource] += delta
    return {consumer: dict(amounts) for consumer, amounts in amounts_of.items()}


def of_consumer(*, consumer_id: uuid.UUID) -> dict[str, int]:
    """Return resource -> amount that is promised to one consumer and not settled yet. 1 query."""
    return dict(Reservation.objects.filter(consumer_id=consumer_id).values_list("resource", "delta"))
