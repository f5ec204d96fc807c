"""Subnets as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents.base import standard
from apps.networking.models import Subnet


def render(subnet: Subnet, context: RequestContext) -> dict[str, Any]:
    """Return the document of a subnet."""
    return {
        **standard(subnet),
        "name": subnet.name,
        "network_id": str(subnet.network_id),
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "gateway_ip": subnet.gateway_ip,
        "enable_dhcp": subnet.enable_dhcp,
        "allocation_pools": subnet.allocation_pools,
        "dns_nameservers": subnet.dns_nameservers,
        "host_routes": subnet.host_routes,
        "ipv6_address_mode": subnet.ipv6_address_mode,
        "ipv6_ra_mode": subnet.ipv6_ra_mode,
        "service_types": subnet.service_types,
        "subnetpool_id": str(subnet.subnetpool_id) if subnet.subnetpool_id else None,
        "segment_id": None,
    }
