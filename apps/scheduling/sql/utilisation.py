"""How much of hosts is claimed, and which are up: for pages."""

from apps.scheduling.sql.capacity import DISK, IS_DOWN, IS_UP, RAM, VCPUS

HOSTS = f"""
SELECT h.id::text, h.name, h.zone,
       CASE WHEN {IS_DOWN} THEN 'down'
            WHEN NOT h.enabled THEN 'disabled' ELSE 'up' END AS state,
       h.disabled_reason, extract(epoch FROM now() - h.heartbeat_at)::float8, i.servers,
       i.vcpus_used, {VCPUS}::bigint,
       i.ram_used, {RAM}::bigint,
       i.disk_used, {DISK}::bigint, h.forced_down
  FROM scheduling_host h JOIN scheduling_inventory i ON i.host_id = h.id
 ORDER BY ({IS_UP} AND h.enabled),
          i.ram_used::float8 / nullif({RAM}, 0) DESC NULLS LAST, h.name
 LIMIT %(limit)s
"""

TOTALS = f"""
SELECT count(*), count(*) FILTER (WHERE NOT h.enabled),
       count(*) FILTER (WHERE {IS_DOWN}),
       coalesce(sum(i.vcpus_used), 0)::bigint,
       coalesce(sum({VCPUS}), 0)::bigint,
       coalesce(sum(i.ram_used), 0)::bigint,
       coalesce(sum({RAM}), 0)::bigint,
       coalesce(sum(i.disk_used), 0)::bigint,
       coalesce(sum({DISK}), 0)::bigint
  FROM scheduling_host h JOIN scheduling_inventory i ON i.host_id = h.id
"""
