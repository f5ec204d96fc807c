"""Locks of scheduling, in the order of docs/decisions/lock-order.md. Each holds until the caller's transaction ends."""

from django.db.models import QuerySet

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.scheduling.models import Aggregate, Host, Inventory


@ranked(Rank.NAME)
def host_numbers() -> None:
    """One at a time registers a host and takes the next number."""
    advisory.hold("scheduling.host_numbers")


@ranked(Rank.AGGREGATE)
def aggregate(aggregate_id: int) -> Aggregate | None:
    """Lock an aggregate; its hosts come after it."""
    return Aggregate.objects.select_for_update().filter(id=aggregate_id).first()


@ranked(Rank.HOST)
def hosts(rows: QuerySet[Host]) -> list[Host]:
    """Lock hosts by id, so that two changes at once do not wait for each other for ever."""
    return list(rows.select_related(None).select_for_update(of=("self",)).order_by("id"))


@ranked(Rank.HOST)
def host_to_delete(name: str) -> Host | None:
    """Lock a host against everything, also inventories and allocations that come to refer to it."""
    return Host.objects.select_for_update().filter(name=name).first()


@ranked(Rank.INVENTORY)
def inventory(host: Host) -> Inventory:
    """Lock a host's inventory: claims of it wait. Raises Inventory.DoesNotExist."""
    return Inventory.objects.select_for_update().get(host=host)
