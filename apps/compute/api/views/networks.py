"""/os-networks, /os-tenant-networks and floating IPs as Nova's proxies show them, until 2.35."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.views.proxies import ProxyView
from apps.networking.selectors import networks

MAX_NETWORKS = 1000
# What nova-network told of a network and the network service does not know; Nova answers null too.
_UNKNOWN = (
    "bridge", "bridge_interface", "broadcast", "cidr", "cidr_v6", "created_at", "deleted", "deleted_at", "dhcp_server",
    "dhcp_start", "dns1", "dns2", "enable_dhcp", "gateway", "gateway_v6", "host", "injected", "mtu", "multi_host",
    "netmask", "netmask_v6", "priority", "project_id", "rxtx_base", "share_address", "updated_at", "vlan",
    "vpn_private_address", "vpn_public_address", "vpn_public_port",
)  # fmt: skip


class _NetworksView(ProxyView):
    not_offered = dict.fromkeys(("post", "delete"), "changing networks by the compute API: use the network API")

    def found(self, network_id: str) -> Any:
        key = parse_uuid(network_id)
        row = networks.visible(context=self.caller).filter(id=key).first() if key else None
        if row is None:
            raise NotFound("Network not found")
        return row

    def everything(self) -> list[Any]:
        return list(networks.visible(context=self.caller).order_by("name", "id")[:MAX_NETWORKS])


def _document(network: Any) -> dict[str, Any]:
    return {"id": str(network.id), "label": network.name, **dict.fromkeys(_UNKNOWN)}


def _brief(network: Any) -> dict[str, Any]:
    return {"id": str(network.id), "label": network.name, "cidr": None}


class NetworksView(_NetworksView):
    """The networks that the caller may see."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-networks:list")
        return Response({"networks": [_document(one) for one in self.everything()]})


class NetworkView(_NetworksView):
    """One network."""

    def get(self, request: Request, network_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-networks:show")
        return Response({"network": _document(self.found(network_id))})


class TenantNetworksView(_NetworksView):
    """The networks that the project may use."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-tenant-networks:list")
        return Response({"networks": [_brief(one) for one in self.everything()]})


class TenantNetworkView(_NetworksView):
    """One of the networks that the project may use."""

    def get(self, request: Request, network_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-tenant-networks:show")
        return Response({"network": _brief(self.found(network_id))})


class FloatingIPPoolsView(ProxyView):
    """The networks that floating IPs would come from."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-floating-ip-pools")
        rows = networks.visible(context=self.caller).filter(external=True).order_by("name", "id")[:MAX_NETWORKS]
        return Response({"floating_ip_pools": [{"name": row.name} for row in rows]})


class FloatingIPsView(ProxyView):
    """The project's floating IPs: there are none yet."""

    not_offered = {"post": "floating IPs"}

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-floating-ips:list")
        return Response({"floating_ips": []})


class FloatingIPView(ProxyView):
    """No floating IP has an id yet."""

    not_offered = {"delete": "floating IPs"}

    def get(self, request: Request, floating_ip_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-floating-ips:show")
        raise NotFound(f"Floating IP not found for ID {floating_ip_id[:64]}")
