"""Free and used addresses of networks as documents."""

from typing import Any

from apps.networking.models import Network, Subnet
from apps.networking.selectors.network_ip_availabilities import total


def render(network: Network) -> dict[str, Any]:
    """Return the counts of a network and of each of its subnets."""
    subnets = [_subnet(subnet) for subnet in network.subnets.all()]
    return {
        "network_id": str(network.id),
        "network_name": network.name,
        "project_id": network.project_id,
        "tenant_id": network.project_id,
        "total_ips": sum(subnet["total_ips"] for subnet in subnets),
        "used_ips": sum(subnet["used_ips"] for subnet in subnets),
        "subnet_ip_availability": subnets,
    }


def _subnet(subnet: Subnet) -> dict[str, Any]:
    return {
        "subnet_id": str(subnet.id),
        "subnet_name": subnet.name,
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "total_ips": total(subnet),
        "used_ips": subnet.used,  # type: ignore[attr-defined]
    }
