"""Statements that read hosts that fit, with the stamp of what hosts are."""

from apps.common.sql.planned import Statement
from apps.scheduling.models.stamps import HOSTS
from apps.scheduling.sql.capacity import DISK, IS_UP, RAM, VCPUS
from apps.workflow.sql.hosts import BUSY_HOSTS

_COLUMNS = f"""
SELECT h.id::text, h.enabled, {IS_UP} AS up,
       i.vcpus_used, i.ram_used, i.disk_used, i.servers, h.failed_builds,
       {VCPUS}::bigint AS vcpus,
       {RAM}::bigint AS ram,
       {DISK}::bigint AS disk, coalesce(b.count, 0) AS io_ops
  FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id LEFT JOIN busy b ON b.host = h.name
"""
# RAM first: a full host usually lacks RAM, and the other conditions need not be evaluated.
_FITS = f"""
      {RAM} - i.ram_used >= %(ram)s
  AND {DISK} - i.disk_used >= %(disk)s
  AND {VCPUS} - i.vcpus_used >= %(vcpus)s
  AND h.enabled AND {IS_UP}
  AND NOT h.name = ANY(%(ignored)s)
"""
# Hosts' ids are random: from a random one on, in their order, is a random choice that reads no more than it returns.
_PART = f"({_COLUMNS} WHERE i.host_id {{}} %(start)s AND {_FITS} ORDER BY i.host_id LIMIT %(size)s)"
_TYPES = {"down": "double precision", "io_heavy": "text[]"}
_ASKED = {**_TYPES, "vcpus": "bigint", "ram": "bigint", "disk": "bigint", "ignored": "text[]"}


def _statement(name: str, inner: str, types: dict[str, str]) -> Statement:
    """Return a statement that gives at least one row: the stamp is needed even if no host fits."""
    text = f"""
WITH busy AS MATERIALIZED ({BUSY_HOSTS})
SELECT s.value::text, x.* FROM (SELECT 1) AS one LEFT JOIN scheduling_stamp s ON s.name = '{HOSTS}'
  LEFT JOIN LATERAL ({inner}) AS x ON true
"""
    return Statement(f"scheduling_{name}", text, types)


BLOCK = _statement(
    "block",
    f"{_PART.format('>=')} UNION ALL {_PART.format('<')} LIMIT %(size)s",
    {**_ASKED, "start": "uuid", "size": "bigint"},
)
FITTING = _statement("fitting", f"{_COLUMNS} WHERE {_FITS}", _ASKED)
NAMED = _statement("named", f"{_COLUMNS} WHERE h.name = ANY(%(names)s) AND {_FITS}", {**_ASKED, "names": "text[]"})
ONE = _statement("one", f"{_COLUMNS} WHERE h.name = %(name)s", {**_TYPES, "name": "text"})
ALL = _statement("all", _COLUMNS, _TYPES)

# Hosts' attributes, and the stamp of their last change.
STAMP = "SELECT value::text FROM scheduling_stamp WHERE name = %s"
MEMBERS = "SELECT host_id::text, array_agg(aggregate_id) FROM scheduling_aggregate_hosts GROUP BY 1"
HOST_FACTS = """
SELECT id::text, name, zone, arch, hypervisor_type, virt_type, hypervisor_version,
       array_to_string(traits || custom_traits, ' ')
  FROM scheduling_host
"""
