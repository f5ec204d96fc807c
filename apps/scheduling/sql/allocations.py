"""Claiming a part of a host, and giving it back: one statement each, so capacity is never oversold."""

from apps.common.sql.planned import Statement
from apps.common.sql.rows import Reader
from apps.scheduling.models import Allocation, Host
from apps.scheduling.sql.capacity import DISK, RAM, VCPUS

_FITTING = f"""
    {VCPUS} - i.vcpus_used >= %(vcpus)s
AND {RAM} - i.ram_used >= %(ram)s
AND {DISK} - i.disk_used >= %(disk)s
"""
# A server's claim has memory, a volume's has none: it does not count among the host's servers.
# The first host of the list that still fits is locked, claimed and written down at once. SKIP LOCKED sends requests
# that run at the same moment to the next host instead of behind each other. ``limits``: how many servers each host may
# have, NULL for any number, or nothing at all.
_CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT i.host_id, wanted.most
      FROM unnest(%(hosts)s::uuid[], %(limits)s) WITH ORDINALITY AS wanted(id, most, position)
      JOIN scheduling_inventory i ON i.host_id = wanted.id
     WHERE {fitting} AND (i.servers < wanted.most) IS NOT FALSE
     ORDER BY wanted.position LIMIT 1 FOR UPDATE OF i {skip}),
taken AS (
    UPDATE scheduling_inventory i SET vcpus_used = i.vcpus_used + %(vcpus)s, ram_used = i.ram_used + %(ram)s,
           disk_used = i.disk_used + %(disk)s, servers = i.servers + (%(ram)s > 0)::int
      FROM chosen WHERE i.host_id = chosen.host_id AND {fitting} AND (i.servers < chosen.most) IS NOT FALSE
   RETURNING i.host_id)
INSERT INTO scheduling_allocation (id, consumer_id, host_id, vcpus, ram_mib, disk_gib, created_at)
SELECT gen_random_uuid(), %(consumer)s, host_id, %(vcpus)s, %(ram)s, %(disk)s, clock_timestamp() FROM taken
RETURNING host_id::text
"""
_TYPES = {
    "hosts": "text[]", "limits": "bigint[]", "consumer": "uuid", "vcpus": "bigint", "ram": "bigint", "disk": "bigint",
}  # fmt: skip
CLAIM_NEXT = Statement("scheduling_claim", _CLAIM.format(fitting=_FITTING, skip="SKIP LOCKED"), _TYPES)
CLAIM_WAIT = Statement("scheduling_claim_waiting", _CLAIM.format(fitting=_FITTING, skip=""), _TYPES)

RELEASE = """
WITH gone AS (DELETE FROM scheduling_allocation WHERE consumer_id = %s RETURNING host_id, vcpus, ram_mib, disk_gib)
UPDATE scheduling_inventory i SET vcpus_used = i.vcpus_used - g.vcpus, ram_used = i.ram_used - g.ram_mib,
       disk_used = i.disk_used - g.disk_gib, servers = i.servers - (g.ram_mib > 0)::int
  FROM gone g WHERE i.host_id = g.host_id
"""

# The rows keep their consumers: each takes what the other one is of.
SWAP = """
UPDATE scheduling_allocation a SET host_id = b.host_id, vcpus = b.vcpus, ram_mib = b.ram_mib, disk_gib = b.disk_gib,
       topology = b.topology, created_at = b.created_at
  FROM scheduling_allocation b
 WHERE a.consumer_id = ANY(%(consumers)s) AND b.consumer_id = ANY(%(consumers)s) AND a.id <> b.id
"""

GROW = f"""
WITH host AS MATERIALIZED (
    SELECT a.host_id, %(disk)s - a.disk_gib AS more FROM scheduling_allocation a WHERE a.consumer_id = %(consumer)s),
taken AS (
    UPDATE scheduling_inventory i SET disk_used = i.disk_used + host.more
      FROM host WHERE i.host_id = host.host_id AND (host.more <= 0 OR {DISK} - i.disk_used >= host.more)
   RETURNING i.host_id)
UPDATE scheduling_allocation a SET disk_gib = %(disk)s FROM taken WHERE a.consumer_id = %(consumer)s
"""

# A part of other applications' statements: ``h`` is the host on which a consumer has claimed capacity.
HOST_OF_CONSUMER = """JOIN scheduling_allocation a ON a.consumer_id = {}
  JOIN scheduling_host h ON h.id = a.host_id"""

ROW, HOST = Reader(Allocation), Reader(Host)
# A claim with its host.
OF_CONSUMER = Statement(
    "scheduling_allocation_of_consumer",
    f"""
SELECT {ROW.columns_of("a")}, {HOST.columns_of("h")}
  FROM scheduling_allocation a JOIN scheduling_host h ON h.id = a.host_id WHERE a.consumer_id = %(consumer)s
""",
    {"consumer": "uuid"},
)
