"""Locks of quotas' rows, in the order of docs/decisions/lock-order.md."""

from django.db import connection

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.quotas.sql import locks as sql


@ranked(Rank.COUNTED)
def counted(resource: str, owner_id: str) -> None:
    """Let one transaction at a time count an owner's rows of a resource and add to them."""
    advisory.hold(f"quotas:{resource}:{owner_id}")


@ranked(Rank.USAGE)
def all_usage() -> None:
    """Block every other writer of usages until the transaction ends. Readers are not blocked."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ALL_USAGE)
