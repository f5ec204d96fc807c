"""Networks as documents."""

from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking import states
from apps.networking.api.documents.base import optional_id, standard
from apps.networking.models import Network
from apps.networking.selectors.sharing import is_shared_with


def render(network: Network, context: RequestContext) -> dict[str, Any]:
    """Return the document of a network; provider attributes are for administrators."""
    document = {
        **standard(network),
        "name": network.name,
        "admin_state_up": network.admin_state_up,
        "status": network.status,
        "shared": is_shared_with(network, context.project_id),
        "router:external": network.external,
        "is_default": network.is_default,
        "mtu": network.mtu,
        "subnets": [str(subnet.id) for subnet in network.subnets.all()],
        "dns_domain": network.dns_domain,
        "qos_policy_id": optional_id(network.qos_policy_id),
        "availability_zones": [],
        "availability_zone_hints": network.availability_zone_hints,
        "port_security_enabled": network.port_security_enabled,
        "ipv4_address_scope": _address_scope(network, 4),
        "ipv6_address_scope": _address_scope(network, 6),
    }
    if policy.allowed(context, "get_network:provider", {"project_id": network.project_id}):
        document["provider:network_type"] = network.network_type or states.NETWORK_TYPES[0]
        document["provider:physical_network"] = network.physical_network or None
        document["provider:segmentation_id"] = network.segmentation_id
    return document


def _address_scope(network: Network, version: int) -> str | None:
    """Return the address scope of a network's subnets of an IP version, of which all are in the same."""
    pools = (subnet.subnetpool for subnet in network.subnets.all() if subnet.ip_version == version)
    return next((str(pool.address_scope_id) for pool in pools if pool and pool.address_scope_id), None)
