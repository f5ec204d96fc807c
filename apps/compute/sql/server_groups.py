"""A server group's policy, and where its servers are."""

from apps.scheduling.sql.allocations import HOST_OF_CONSUMER

# By allocations and not by the servers' rows: a claim counts from the moment it is made.
SURROUNDINGS = f"""
SELECT g.policy, g.rules ->> 'max_server_per_host', NULL::uuid, NULL::text, false
  FROM compute_servergroup g WHERE g.id = %(group)s
UNION ALL
SELECT NULL, NULL, s.id, h.name, s.group_id IS NOT DISTINCT FROM %(group)s
  FROM compute_server s
  {HOST_OF_CONSUMER.format("s.id")}
 WHERE s.deleted_at IS NULL AND s.project_id = %(project)s AND s.id <> %(server)s
   AND (s.group_id = %(group)s OR s.id = ANY(%(servers)s))
"""
