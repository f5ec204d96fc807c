"""Port forwardings as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.models import PortForwarding


def render(forwarding: PortForwarding, context: RequestContext) -> dict[str, Any]:
    """Return the document of a forwarding. A range of ports is no single port."""
    return {
        **brief(forwarding),
        "external_port_range": forwarding.external_range,
        "internal_port_range": forwarding.internal_range,
        "description": forwarding.description,
    }


def brief(forwarding: PortForwarding) -> dict[str, Any]:
    """Return what a floating IP's document says of its forwardings."""
    external, internal = forwarding.external_start, forwarding.internal_start
    return {
        "id": str(forwarding.id),
        "protocol": forwarding.protocol,
        "internal_port_id": str(forwarding.port_id),
        "internal_ip_address": forwarding.internal_ip_address,
        "internal_port": internal if internal == forwarding.internal_end else None,
        "external_port": external if external == forwarding.external_end else None,
    }
