"""Hosts' capacity, and corrections of their usage. Claims and releases keep the usage up to date themselves."""

import math
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from apps.scheduling import locks
from apps.scheduling.exceptions import CapacityInvalid
from apps.scheduling.models import Inventory
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.specs import RequestSpec
from apps.scheduling.sql import inventories as sql

MAX_RATIO = 1000.0
_TOTALS = {"vcpus_reserved": "vcpus", "ram_reserved": "ram_mib", "disk_reserved": "disk_gib"}


@transaction.atomic
def set_capacity(*, host: str, changes: Mapping[str, float]) -> Inventory:
    """Change a host's ratios and reserves (fields of Inventory; MiB, GiB) and return its inventory.

    Existing claims stay: a host over its new capacity gets no more servers. Raises CapacityInvalid (400),
    HostNotFound (404).
    """
    inventory = locks.inventory(selectors.get(name=host))
    for name, value in changes.items():
        if name.endswith("_ratio"):
            if not (math.isfinite(value) and 0 < value <= MAX_RATIO):
                raise CapacityInvalid(name=name, value=value, range=f"more than 0, at most {MAX_RATIO:g}")
        elif not 0 <= value <= getattr(inventory, _TOTALS[name]):
            raise CapacityInvalid(name=name, value=value, range=f"0 to {getattr(inventory, _TOTALS[name])}")
        setattr(inventory, name, value)
    if changes:
        inventory.save(update_fields=list(changes))
    return inventory


@transaction.atomic
def recount(*, host: str) -> bool:
    """Make a host's used capacity the sum of its allocations. Returns whether it was anything else."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK, [host])
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(sql.RECOUNT, {"host": row[0]})
        return bool(cursor.rowcount)


def restore(*, consumer_id: uuid.UUID, host: str, spec: RequestSpec) -> bool:
    """Record a consumer's existing allocation, whether or not it fits. False: it has an allocation."""
    values: dict[str, Any] = {
        "host": host,
        "consumer": consumer_id,
        "vcpus": spec.vcpus,
        "ram": spec.ram_mib,
        "disk": spec.disk_gib,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.RESTORE, values)
        return bool(cursor.rowcount)
