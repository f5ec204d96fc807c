"""Floating IPs as Nova's proxy shows them."""

from typing import Any


def render(floating_ip: Any) -> dict[str, Any]:
    """Return the document of a floating IP; ``instance_id`` is the server that it leads to."""
    port = floating_ip.fixed_port
    return {
        "id": str(floating_ip.id),
        "ip": floating_ip.floating_ip_address,
        "pool": floating_ip.floating_network.name or str(floating_ip.floating_network_id),
        "fixed_ip": floating_ip.fixed_ip_address,
        "instance_id": port.device_id if port is not None and port.bound else None,
    }
