"""Reading aggregates."""

from django.db.models import QuerySet

from apps.scheduling.exceptions import AggregateNotFound
from apps.scheduling.models import Aggregate


def all_aggregates() -> QuerySet[Aggregate]:
    """Return every aggregate with its hosts, in 2 queries."""
    return Aggregate.objects.prefetch_related("hosts").order_by("id")


def get(*, aggregate_id: int) -> Aggregate:
    """Raises AggregateNotFound (404)."""
    aggregate = all_aggregates().filter(id=aggregate_id).first()
    if aggregate is None:
        raise AggregateNotFound(aggregate=aggregate_id)
    return aggregate
