"""Networks, bound ports, groups, routers and floating IPs as the network engine programs them: a batch, or all."""

from apps.common.sql.planned import Statement
from apps.networking import states
from apps.networking.sql.bindings import subnets

# By its device, which has an index. No boot asks for it.
SUBNETS = subnets(f"""
           'metadata_ip', (SELECT host(own.ip_address) FROM networking_port q
                             JOIN networking_fixedip own ON own.port_id = q.id AND own.subnet_id = s.id
                            WHERE q.device_id = 'ovnmeta-' || s.network_id AND q.device_id <> ''
                              AND q.device_owner = '{states.OWNER_DISTRIBUTED}' LIMIT 1),""")


def _qos(policy: str) -> str:
    """Return a subquery for the rules of a policy, which is an expression."""
    return f"""(SELECT json_agg(json_build_array(q.kind, q.direction, q.max_kbps, q.max_burst_kbps, q.dscp_mark))
          FROM networking_qosrule q WHERE q.policy_id = {policy})::text"""


_OF_NETWORK = "(SELECT n.qos_policy_id FROM networking_network n WHERE n.id = {network})"
_NETWORKS = f"""
SELECT n.id, n.name, n.mtu, ({SUBNETS})::text, n.physical_network, n.segmentation_id,
       n.dns_domain, n.admin_state_up, n.network_type FROM networking_network n
"""
# Names with dots could be the world's, answered to all guests of a network: its owner's ports alone have them.
_OF_OWNER = """CASE WHEN p.project_id = (SELECT n.project_id FROM networking_network n WHERE n.id = p.network_id)
                    THEN {given} ELSE {else_} END"""
# What a subport says of its trunk, while a server has the parent port.
_TRUNK = """
  FROM networking_subport s JOIN networking_trunk t ON t.id = s.trunk_id JOIN networking_port q ON q.id = t.port_id
 WHERE q.request_index IS NOT NULL
"""
_PORTS = f"""
SELECT p.id, p.network_id, concat_ws(',', p.host, nullif(p.moving_to, '')), p.mac_address, p.hostname,
       p.admin_state_up, p.port_security_enabled,
       p.allowed_address_pairs::text,
       (SELECT json_agg(json_build_array(f.subnet_id, host(f.ip_address)) ORDER BY f.id)
          FROM networking_fixedip f WHERE f.port_id = p.id)::text,
       ARRAY(SELECT m.security_group_id FROM networking_portsecuritygroup m WHERE m.port_id = p.id ORDER BY 1),
       {_qos(f"COALESCE(p.qos_policy_id, {_OF_NETWORK.format(network='p.network_id')})")},
       (SELECT json_build_array(t.port_id, s.segmentation_id, t.admin_state_up, q.device_id)
          {_TRUNK} AND s.port_id = p.id)::text,
       {_OF_OWNER.format(given="p.dns_name", else_="split_part(p.dns_name, '.', 1)")},
       {_OF_OWNER.format(given="p.dns_domain", else_="''")},
       p.extra_dhcp_opts::text, p.device_id,
       EXISTS (SELECT 1 FROM networking_trunk t WHERE t.port_id = p.id)
  FROM networking_port p
"""
_HELD = f"(p.request_index IS NOT NULL OR EXISTS (SELECT 1 {_TRUNK} AND s.port_id = p.id))"
# A rule for an address group is one for each of its ranges of the rule's IP version, and none while there is none.
_GROUPS = """
SELECT g.id, g.stateful,
       (SELECT json_agg(json_build_array(r.direction, r.ethertype, r.protocol, r.port_range_min, r.port_range_max,
                                         COALESCE(r.remote_ip_prefix, a.cidr), r.remote_group_id) ORDER BY r.id, a.cidr)
          FROM networking_securitygrouprule r
          LEFT JOIN networking_addressgroup n ON n.id = r.remote_address_group_id
          LEFT JOIN LATERAL unnest(n.addresses) AS a (cidr) ON r.ethertype = 'IPv' || family(a.cidr::inet)
         WHERE r.security_group_id = g.id AND (r.remote_address_group_id IS NULL OR a.cidr IS NOT NULL))::text
  FROM networking_securitygroup g
"""

NETWORKS = Statement(
    "networking_programmed_networks", f"{_NETWORKS} WHERE n.id = ANY(%(networks)s)", {"networks": "uuid[]"}
)
PORTS = Statement(
    "networking_programmed_ports",
    f"""{_PORTS} WHERE {_HELD} AND (
        p.id = ANY(%(ports)s) OR p.network_id = ANY(%(networks)s)
        OR p.device_id = ANY(%(servers)s) AND p.device_id <> '')""",
    {"ports": "uuid[]", "networks": "uuid[]", "servers": "text[]"},
)
# The last column of a port says whether it is the parent of a trunk: then its subports are read, too.
SUBPORTS = Statement(
    "networking_programmed_subports",
    f"{_PORTS} WHERE p.id IN (SELECT s.port_id {_TRUNK} AND t.port_id = ANY(%(parents)s))",
    {"parents": "uuid[]"},
)
ALL_NETWORKS = Statement("networking_programmed_all_networks", _NETWORKS, {})
ALL_PORTS = Statement("networking_programmed_all_ports", f"{_PORTS} WHERE {_HELD}", {})
# With the groups that their rules name: a rule is programmed only beside the group whose members it lets in.
GROUPS = Statement(
    "networking_programmed_groups",
    f"""{_GROUPS} WHERE g.id = ANY(%(groups)s) OR g.id IN (
        SELECT r.remote_group_id FROM networking_securitygrouprule r WHERE r.security_group_id = ANY(%(groups)s))""",
    {"groups": "uuid[]"},
)
ALL_GROUPS = Statement("networking_programmed_all_groups", _GROUPS, {})

# At a subnet's gateway address alone does a router announce itself: a port there is nobody's but the network's owner's.
_GATEWAYS_NETWORK = "(SELECT g.network_id FROM networking_port g WHERE g.id = r.gateway_port_id)"
_ROUTERS = f"""
SELECT r.id, r.admin_state_up, r.enable_snat, r.routes::text, r.gateway_port_id,
       (SELECT json_agg(json_build_array(
                   p.id, p.network_id, p.mac_address,
                   (SELECT json_build_array(n.mtu, n.admin_state_up) FROM networking_network n
                     WHERE n.id = p.network_id),
                   (SELECT json_agg(json_build_array(host(f.ip_address), masklen(s.cidr::inet), host(s.gateway_ip),
                                                     CASE WHEN f.ip_address = s.gateway_ip THEN s.ipv6_ra_mode END,
                                                     s.dns_nameservers) ORDER BY f.id)
                      FROM networking_fixedip f JOIN networking_subnet s ON s.id = f.subnet_id WHERE f.port_id = p.id)
               ) ORDER BY p.id)
          FROM networking_port p
         WHERE p.id = r.gateway_port_id
            OR p.id IN (SELECT i.port_id FROM networking_routerinterface i WHERE i.router_id = r.id))::text,
       {_qos(f"COALESCE(r.qos_policy_id, {_OF_NETWORK.format(network=_GATEWAYS_NETWORK)})")}
  FROM networking_router r
"""
_FLOATING_IPS = f"""
SELECT l.id, l.router_id, host(l.floating_ip_address), host(l.fixed_ip_address),
       (SELECT json_agg(json_build_array(f.protocol, f.external_start, f.external_end, host(f.internal_ip_address),
                                         f.internal_start, f.internal_end) ORDER BY f.id)
          FROM networking_portforwarding f WHERE f.floating_ip_id = l.id)::text,
       {_qos(f"COALESCE(l.qos_policy_id, {_OF_NETWORK.format(network='l.floating_network_id')})")}
  FROM networking_floatingip l WHERE l.router_id IS NOT NULL
"""
ROUTERS = Statement(
    "networking_programmed_routers",
    f"""{_ROUTERS} WHERE r.id = ANY(%(routers)s)
        OR r.gateway_port_id IN (SELECT id FROM networking_port WHERE network_id = ANY(%(networks)s))
        OR r.id IN (SELECT i.router_id FROM networking_routerinterface i JOIN networking_port p ON p.id = i.port_id
                     WHERE p.network_id = ANY(%(networks)s))""",
    {"routers": "uuid[]", "networks": "uuid[]"},
)
ALL_ROUTERS = Statement("networking_programmed_all_routers", _ROUTERS, {})
FLOATING_IPS = Statement(
    "networking_programmed_floating_ips",
    f"{_FLOATING_IPS} AND (l.id = ANY(%(floating_ips)s) OR l.router_id = ANY(%(routers)s))",
    {"floating_ips": "uuid[]", "routers": "uuid[]"},
)
ALL_FLOATING_IPS = Statement("networking_programmed_all_floating_ips", _FLOATING_IPS, {})
