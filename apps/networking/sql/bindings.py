"""A server's ports and their addresses."""

from apps.common.sql.planned import Statement
from apps.networking import states

# Written out: the polls of every boot ask the first, and its host the second. The condition on device_id lets the
# partial index serve lists of any length.
ADDRESSES = Statement(
    "networking_addresses",
    """
SELECT p.device_id, p.id, p.network_id, n.name, host(f.ip_address), p.mac_address, p.status,
       ARRAY(SELECT g.name FROM networking_portsecuritygroup m
               JOIN networking_securitygroup g ON g.id = m.security_group_id WHERE m.port_id = p.id ORDER BY g.name),
       ARRAY(SELECT host(l.floating_ip_address) FROM networking_floatingip l
              WHERE l.fixed_port_id = p.id AND l.fixed_ip_address = f.ip_address ORDER BY l.created_at)
  FROM networking_port p
  JOIN networking_fixedip f ON f.port_id = p.id
  JOIN networking_network n ON n.id = p.network_id
 WHERE p.device_id = ANY(%(devices)s) AND p.device_id <> '' AND p.request_index IS NOT NULL
 ORDER BY p.request_index, f.id
""",
    {
        "devices": "text[]",
    },
)


def subnets(more: str = "") -> str:
    """Return the query for the subnets of a network ``n`` as JSON, with ``more`` keys and values, each with a comma."""
    return f"""
SELECT json_agg(json_build_object({more}
           'id', s.id, 'cidr', s.cidr, 'ip_version', s.ip_version, 'gateway_ip', host(s.gateway_ip),
           'ipv6_address_mode', s.ipv6_address_mode,
           'routers', CASE WHEN s.ipv6_ra_mode IS NOT NULL THEN (
                SELECT json_agg(q.mac_address) FROM networking_port q
                  JOIN networking_fixedip own ON own.port_id = q.id AND own.subnet_id = s.id
                 WHERE q.network_id = s.network_id AND q.device_owner = '{states.OWNER_ROUTER_INTERFACE}'
                   AND own.ip_address = s.gateway_ip) END,
           'enable_dhcp', s.enable_dhcp, 'dns_nameservers', s.dns_nameservers, 'host_routes', s.host_routes,
           'dhcp_ip', (SELECT host(own.ip_address) FROM networking_port q
                         JOIN networking_fixedip own ON own.port_id = q.id AND own.subnet_id = s.id
                        WHERE q.network_id = s.network_id AND q.device_owner = '{states.OWNER_DHCP}' LIMIT 1)
       ) ORDER BY s.created_at, s.id)
  FROM networking_subnet s WHERE s.network_id = n.id
"""


SUBNETS = subnets()
# The routers that announce themselves in networks of the port's trunk: their frames arrive with tags.
_OF_SUBPORTS = f"""
SELECT q.mac_address
  FROM networking_trunk t
  JOIN networking_subport c ON c.trunk_id = t.id
  JOIN networking_port cp ON cp.id = c.port_id
  JOIN networking_subnet s ON s.network_id = cp.network_id AND s.ipv6_ra_mode IS NOT NULL
  JOIN networking_port q ON q.network_id = s.network_id AND q.device_owner = '{states.OWNER_ROUTER_INTERFACE}'
  JOIN networking_fixedip own ON own.port_id = q.id AND own.subnet_id = s.id AND own.ip_address = s.gateway_ip
 WHERE t.port_id = p.id
"""
FACTS = f"""
SELECT p.id, p.device_id, p.project_id, p.host, p.mac_address, p.hostname, p.admin_state_up, p.status,
       p.port_security_enabled, p.preserved,
       (SELECT json_agg(json_build_array(f.subnet_id, host(f.ip_address)) ORDER BY f.id)
FROM networking_fixedip f WHERE f.port_id = p.id)::text,
       ARRAY({_OF_SUBPORTS}),
       n.id, n.name, n.mtu, n.subnets
  FROM networking_port p
  JOIN (SELECT n.id, n.name, n.mtu, ({SUBNETS})::text AS subnets FROM networking_network n
         WHERE n.id IN (SELECT network_id FROM networking_port p WHERE {{which}})) n ON n.id = p.network_id
 WHERE {{which}}
 ORDER BY p.device_id, p.request_index
"""
OF_SERVER = Statement(
    "networking_facts_of_server",
    FACTS.format(which="p.device_id = %(device)s AND p.device_id <> '' AND p.request_index IS NOT NULL"),
    {"device": "text"},
)

# A network without port security hands that down to its ports, and no group guards them.
GUARD = Statement(
    "networking_guard",
    """
WITH unguarded AS (
    UPDATE networking_port p SET port_security_enabled = false
      FROM networking_network n
     WHERE p.id = ANY(%(ports)s) AND n.id = p.network_id AND NOT n.port_security_enabled
    RETURNING p.id
)
INSERT INTO networking_portsecuritygroup (port_id, security_group_id)
SELECT port, guard FROM unnest(%(ports)s) AS port, unnest(%(groups)s) AS guard
 WHERE port NOT IN (SELECT id FROM unguarded)
""",
    {"ports": "uuid[]", "groups": "uuid[]"},
)
# Floating IPs that lead to the ports are loose from then on, or deleted if they were assigned by themselves. Those that
# forward to them stop; the caller locks these, and sets loose which have no forwarding left: another server's deletion
# takes some away at the same time, which this statement would not see.
RELEASE = Statement(
    "networking_release",
    """
WITH gone AS (
    DELETE FROM networking_port
    WHERE device_id = %(device)s AND request_index IS NOT NULL AND NOT preserved
    RETURNING id
), loose AS (
    UPDATE networking_floatingip SET fixed_port_id = NULL, fixed_ip_address = NULL, router_id = NULL, status = 'DOWN',
           revision_number = revision_number + 1, updated_at = clock_timestamp()
      FROM gone WHERE networking_floatingip.fixed_port_id = gone.id AND NOT auto_assigned
    RETURNING networking_floatingip.id
), automatic AS (
    DELETE FROM networking_floatingip l USING networking_port p
     WHERE p.device_id = %(device)s AND p.request_index IS NOT NULL AND l.fixed_port_id = p.id AND l.auto_assigned
    RETURNING l.id, l.floating_port_id
), outer_addresses AS (
    DELETE FROM networking_fixedip USING automatic WHERE networking_fixedip.port_id = automatic.floating_port_id
), outer_ports AS (
    DELETE FROM networking_port USING automatic WHERE networking_port.id = automatic.floating_port_id
), forwarded AS (
    DELETE FROM networking_portforwarding f USING gone WHERE f.port_id = gone.id RETURNING f.floating_ip_id
), addresses AS (
    DELETE FROM networking_fixedip USING gone WHERE networking_fixedip.port_id = gone.id
), groups AS (
    DELETE FROM networking_portsecuritygroup USING gone WHERE networking_portsecuritygroup.port_id = gone.id
)
SELECT id, 'port' FROM gone UNION ALL SELECT id, 'floating_ip' FROM loose
UNION ALL SELECT id, 'floating_ip' FROM automatic
UNION ALL SELECT DISTINCT floating_ip_id, 'forwarding' FROM forwarded
""",
    {"device": "text"},
)
SET_STATUS = Statement(
    "networking_set_status",
    """
UPDATE networking_port SET status = %(status)s, updated_at = clock_timestamp()
 WHERE device_id = %(device)s AND request_index IS NOT NULL AND status <> %(status)s
""",
    {"status": "text", "device": "text"},
)
