"""Setting an inventory's usage right: the sum of the host's allocations."""

# The lock comes first, in a separate statement: the sum then sees every earlier claim, and later claims and releases
# wait.
LOCK = """
SELECT i.host_id FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id
 WHERE h.name = %s FOR UPDATE OF i
"""
RECOUNT = """
UPDATE scheduling_inventory i SET vcpus_used = t.vcpus, ram_used = t.ram, disk_used = t.disk, servers = t.servers
  FROM (SELECT coalesce(sum(vcpus), 0) AS vcpus, coalesce(sum(ram_mib), 0) AS ram, coalesce(sum(disk_gib), 0) AS disk,
               count(*) FILTER (WHERE ram_mib > 0) AS servers FROM scheduling_allocation WHERE host_id = %(host)s) t
 WHERE i.host_id = %(host)s
   AND (i.vcpus_used, i.ram_used, i.disk_used, i.servers) IS DISTINCT FROM (t.vcpus, t.ram, t.disk, t.servers)
"""
RESTORE = """
WITH wanted AS (SELECT id FROM scheduling_host WHERE name = %(host)s),
made AS (
    INSERT INTO scheduling_allocation (id, consumer_id, host_id, vcpus, ram_mib, disk_gib, created_at)
    SELECT gen_random_uuid(), %(consumer)s, id, %(vcpus)s, %(ram)s, %(disk)s, clock_timestamp() FROM wanted
        ON CONFLICT (consumer_id) DO NOTHING RETURNING host_id)
UPDATE scheduling_inventory i SET vcpus_used = i.vcpus_used + %(vcpus)s, ram_used = i.ram_used + %(ram)s,
       disk_used = i.disk_used + %(disk)s, servers = i.servers + (%(ram)s > 0)::int
  FROM made WHERE i.host_id = made.host_id
"""
