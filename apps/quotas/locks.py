"""Locks of quotas' rows, in the order of docs/decisions/lock-order.md."""

from django.db import connection

from apps.quotas.sql import locks as sql


def all_usage() -> None:
    """Keep every other writer away from all usage until the transaction ends; readers go on."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ALL_USAGE)
