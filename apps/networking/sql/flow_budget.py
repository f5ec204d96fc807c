"""Distinct rules and ports of security groups."""

from apps.common.sql.planned import Statement

# Rules that differ in the range alone are one, and then those that differ in a single port.
COSTS = Statement(
    "networking_flow_costs",
    """
WITH merged AS (
    SELECT r.security_group_id, r.direction, r.ethertype, r.protocol, r.remote_group_id,
           r.remote_address_group_id,
           r.port_range_min AS low, r.port_range_max AS high,
           array_agg(DISTINCT r.remote_ip_prefix ORDER BY r.remote_ip_prefix) AS ranges
      FROM networking_securitygrouprule r WHERE r.security_group_id = ANY(%(groups)s)
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
)
SELECT m.security_group_id,
       count(DISTINCT (m.direction, m.ethertype, m.protocol, m.remote_group_id, m.remote_address_group_id, m.ranges,
                       m.low = m.high,
                       CASE WHEN m.low = m.high THEN NULL ELSE m.low END,
                       CASE WHEN m.low = m.high THEN NULL ELSE m.high END)),
       (SELECT count(*) FROM networking_portsecuritygroup p WHERE p.security_group_id = m.security_group_id)
  FROM merged m GROUP BY m.security_group_id
""",
    {"groups": "uuid[]"},
)
