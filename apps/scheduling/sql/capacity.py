"""Capacity and "the host is up", written once: parts of statements in which ``h`` is the host and ``i`` its inventory.

``Inventory.capacity`` and ``Host.is_up`` are the same in Python. ``down``: after so many seconds of silence.
"""

VCPUS = "floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)"
RAM = "floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)"
DISK = "floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)"
IS_UP = "NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s)"
IS_DOWN = "h.forced_down OR h.heartbeat_at < now() - make_interval(secs => %(down)s)"

# An amount of zero requests nothing of that kind; a spec without amounts is not limited.
SERVERS_THAT_FIT = f"""
SELECT d.name,
       coalesce(sum(greatest(0, least(f.vcpus / nullif(d.vcpus, 0), f.ram / nullif(d.ram, 0),
                                      f.disk / nullif(d.disk, 0)))), 0)
  FROM unnest(%(names)s::text[], %(vcpus)s::bigint[], %(ram)s::bigint[], %(disk)s::bigint[])
       AS d(name, vcpus, ram, disk)
  CROSS JOIN (
       SELECT {VCPUS}::bigint - i.vcpus_used AS vcpus, {RAM}::bigint - i.ram_used AS ram,
              {DISK}::bigint - i.disk_used AS disk
         FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id
        WHERE h.enabled AND {IS_UP}) f
 GROUP BY d.name
"""
