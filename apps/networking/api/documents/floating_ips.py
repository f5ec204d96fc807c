"""Floating IPs as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents import port_forwardings
from apps.networking.api.documents.base import optional_id, standard
from apps.networking.models import FloatingIP, Port


def render(floating_ip: FloatingIP, context: RequestContext) -> dict[str, Any]:
    """Return the document of a floating IP, with the port that it leads to."""
    return {
        **standard(floating_ip),
        "floating_network_id": str(floating_ip.floating_network_id),
        "floating_ip_address": floating_ip.floating_ip_address,
        "fixed_ip_address": floating_ip.fixed_ip_address,
        "port_id": optional_id(floating_ip.fixed_port_id),
        "router_id": optional_id(floating_ip.router_id),
        "status": floating_ip.status,
        "dns_name": floating_ip.dns_name,
        "dns_domain": floating_ip.dns_domain,
        "qos_policy_id": optional_id(floating_ip.qos_policy_id),
        "qos_network_policy_id": optional_id(floating_ip.floating_network.qos_policy_id),
        "port_details": _details(floating_ip.fixed_port),
        "port_forwardings": [port_forwardings.brief(item) for item in floating_ip.port_forwardings.all()],
    }


def _details(port: Port | None) -> dict[str, Any] | None:
    if port is None:
        return None
    return {
        "name": port.name,
        "network_id": str(port.network_id),
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
    }
