"""Hosts' capacity, and corrections of their usage. Claims and releases keep the usage up to date themselves."""

import math
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from apps.scheduling.exceptions import CapacityInvalid
from apps.scheduling.models import Inventory
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.specs import RequestSpec

MAX_RATIO = 1000.0
_TOTALS = {"vcpus_reserved": "vcpus", "ram_reserved": "ram_mib", "disk_reserved": "disk_gib"}

# The lock comes first, in a statement of its own: the sum then sees every claim that was there before, and whoever
# claims or releases now waits for us.
_LOCK = """
SELECT i.host_id FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id
 WHERE h.name = %s FOR UPDATE OF i
"""
_RECOUNT = """
UPDATE scheduling_inventory i SET vcpus_used = t.vcpus, ram_used = t.ram, disk_used = t.disk, servers = t.servers
  FROM (SELECT coalesce(sum(vcpus), 0) AS vcpus, coalesce(sum(ram_mib), 0) AS ram, coalesce(sum(disk_gib), 0) AS disk,
               count(*) AS servers FROM scheduling_allocation WHERE host_id = %(host)s) t
 WHERE i.host_id = %(host)s
   AND (i.vcpus_used, i.ram_used, i.disk_used, i.servers) IS DISTINCT FROM (t.vcpus, t.ram, t.disk, t.servers)
"""
_RESTORE = """
WITH wanted AS (SELECT id FROM scheduling_host WHERE name = %(host)s),
made AS (
    INSERT INTO scheduling_allocation (id, consumer_id, host_id, vcpus, ram_mib, disk_gib, created_at)
    SELECT gen_random_uuid(), %(consumer)s, id, %(vcpus)s, %(ram)s, %(disk)s, clock_timestamp() FROM wanted
        ON CONFLICT (consumer_id) DO NOTHING RETURNING host_id)
UPDATE scheduling_inventory i SET vcpus_used = i.vcpus_used + %(vcpus)s, ram_used = i.ram_used + %(ram)s,
       disk_used = i.disk_used + %(disk)s, servers = i.servers + 1
  FROM made WHERE i.host_id = made.host_id
"""


@transaction.atomic
def set_capacity(*, host: str, changes: Mapping[str, float]) -> Inventory:
    """Change a host's ratios and reserves (fields of Inventory; MiB, GiB) and return its inventory.

    What is claimed already stays: a host that is over its new capacity takes no more. Raises CapacityInvalid (400),
    HostNotFound (404).
    """
    found = Inventory.objects.select_for_update().get(host=selectors.get(name=host))
    for name, value in changes.items():
        if name.endswith("_ratio"):
            if not (math.isfinite(value) and 0 < value <= MAX_RATIO):
                raise CapacityInvalid(name=name, value=value, range=f"more than 0, at most {MAX_RATIO:g}")
        elif not 0 <= value <= getattr(found, _TOTALS[name]):
            raise CapacityInvalid(name=name, value=value, range=f"0 to {getattr(found, _TOTALS[name])}")
        setattr(found, name, value)
    if changes:
        found.save(update_fields=list(changes))
    return found


@transaction.atomic
def recount(*, host: str) -> bool:
    """Make a host's used capacity the sum of its allocations. Returns whether it was anything else."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [host])
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(_RECOUNT, {"host": row[0]})
        return bool(cursor.rowcount)


def restore(*, consumer_id: uuid.UUID, host: str, spec: RequestSpec) -> bool:
    """Write down what a consumer has of a host already, whether or not it fits. False: it has an allocation."""
    values: dict[str, Any] = {
        "host": host,
        "consumer": consumer_id,
        "vcpus": spec.vcpus,
        "ram": spec.ram_mib,
        "disk": spec.disk_gib,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESTORE, values)
        return bool(cursor.rowcount)
