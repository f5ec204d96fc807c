"""Networks, subnets and their pools are created and changed as through the API; addresses and rules are read-only."""

from apps.networking.admin import (
    address_groups,
    floating_ips,
    networks,
    ports,
    qos_policies,
    rbac_policies,
    routers,
    security_groups,
    subnetpools,
    subnets,
    trunks,
)

__all__ = [
    "address_groups",
    "floating_ips",
    "networks",
    "ports",
    "qos_policies",
    "rbac_policies",
    "routers",
    "security_groups",
    "subnetpools",
    "subnets",
    "trunks",
]
