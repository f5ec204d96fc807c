"""Routes of Neutron that are not offered here, each with the feature's name; README lists the same features."""

AGENTS = "agents that networks are scheduled to"
MINIMA = "guaranteed bandwidth and packet rates"
GATEWAYS = "several gateways of a router"

# place below the version -> feature. The first match wins.
NOT_OFFERED: dict[str, str] = {
    "agents/<agent_id>/dhcp-networks": AGENTS,
    "agents/<agent_id>/l3-routers": AGENTS,
    "default-security-group-rules": "default security group rules",
    "flavors": "flavors of routers",
    "local_ips": "local IPs",
    "log": "packet logging",
    "metering": "metering",
    "ndp_proxies": "NDP proxies",
    "network_segment_ranges": "changes of segments",
    "networks/<network_id>/dhcp-agents": AGENTS,
    "qos/alias_minimum_bandwidth_rules": MINIMA,
    "qos/alias_minimum_packet_rate_rules": MINIMA,
    "qos/policies/<policy_id>/minimum_bandwidth_rules": MINIMA,
    "qos/policies/<policy_id>/minimum_packet_rate_rules": MINIMA,
    "qos/policies/<policy_id>/packet_rate_limit_rules": "limits of packet rates",
    "routers/<router_id>/add_external_gateways": GATEWAYS,
    "routers/<router_id>/conntrack_helpers": "connection tracking helpers of routers",
    "routers/<router_id>/l3-agents": AGENTS,
    "routers/<router_id>/remove_external_gateways": GATEWAYS,
    "routers/<router_id>/update_external_gateways": GATEWAYS,
    "service_profiles": "flavors of routers",
}
