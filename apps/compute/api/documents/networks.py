"""Networks as Nova's proxies show them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.networking.models import Network

# Fields of nova-network that the network service does not have; Nova answers null too.
_UNKNOWN = (
    "bridge", "bridge_interface", "broadcast", "cidr", "cidr_v6", "created_at", "deleted", "deleted_at", "dhcp_server",
    "dhcp_start", "dns1", "dns2", "enable_dhcp", "gateway", "gateway_v6", "host", "injected", "mtu", "multi_host",
    "netmask", "netmask_v6", "priority", "project_id", "rxtx_base", "share_address", "updated_at", "vlan",
    "vpn_private_address", "vpn_public_address", "vpn_public_port",
)  # fmt: skip


def render(network: "Network") -> dict[str, Any]:
    return {"id": str(network.id), "label": network.name, **dict.fromkeys(_UNKNOWN)}


def render_brief(network: "Network") -> dict[str, Any]:
    return {"id": str(network.id), "label": network.name, "cidr": None}
