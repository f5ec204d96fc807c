"""Networks and bound ports as the network engine programs them: those of a batch, or all."""

from apps.common.sql.planned import Statement
from apps.networking.sql.bindings import SUBNETS

_NETWORKS = f"SELECT n.id, n.name, n.mtu, ({SUBNETS})::text FROM networking_network n"
_PORTS = """
SELECT p.id, p.network_id, p.host, p.mac_address, p.hostname, p.admin_state_up, p.port_security_enabled,
       p.allowed_address_pairs::text,
       (SELECT json_agg(json_build_array(f.subnet_id, host(f.ip_address)) ORDER BY f.id)
          FROM networking_fixedip f WHERE f.port_id = p.id)::text
  FROM networking_port p WHERE p.request_index IS NOT NULL
"""

NETWORKS = Statement(
    "networking_programmed_networks", f"{_NETWORKS} WHERE n.id = ANY(%(networks)s)", {"networks": "uuid[]"}
)
PORTS = Statement(
    "networking_programmed_ports",
    f"""{_PORTS} AND (
        p.id = ANY(%(ports)s) OR p.network_id = ANY(%(networks)s)
        OR p.device_id = ANY(%(servers)s) AND p.device_id <> '')""",
    {"ports": "uuid[]", "networks": "uuid[]", "servers": "text[]"},
)
ALL_NETWORKS = Statement("networking_programmed_all_networks", _NETWORKS, {})
ALL_PORTS = Statement("networking_programmed_all_ports", _PORTS, {})
