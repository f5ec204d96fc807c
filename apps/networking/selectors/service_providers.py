"""What realises services of the network: routers have one provider."""

from typing import Any


def everything() -> list[dict[str, Any]]:
    """Return the providers."""
    return [{"service_type": "L3_ROUTER_NAT", "name": "ovn", "default": True}]
