"""Routes of Neutron that are not offered here, each with the feature's name; README lists the same features."""

AGENTS = "network agents"

# place below the version -> feature. The first match wins.
NOT_OFFERED: dict[str, str] = {
    "address-groups": "address groups",
    "address-scopes": "address scopes",
    "agents": AGENTS,
    "auto-allocated-topology": "automatic topologies",
    "availability_zones": "availability zones of networks",
    "default-security-group-rules": "default security group rules",
    "flavors": "flavors of routers",
    "floatingips/<floatingip_id>/port_forwardings": "port forwarding",
    "floatingips": "floating IPs",
    "local_ips": "local IPs",
    "log": "packet logging",
    "metering": "metering",
    "ndp_proxies": "NDP proxies",
    "network-ip-availabilities": "counts of free addresses",
    "network_segment_ranges": "segments",
    "networks/<network_id>/dhcp-agents": AGENTS,
    "qos": "QoS policies",
    "rbac-policies": "RBAC policies",
    "routers": "routers",
    "segments": "segments",
    "service-providers": "service providers",
    "subnetpools": "subnet pools",
    "trunks": "trunks",
}
