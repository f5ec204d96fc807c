"""/os-networks, /os-tenant-networks and floating IPs as Nova's proxies show them, until 2.35."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import networks as documents
from apps.compute.api.views.proxies import ProxyView
from apps.networking.selectors import networks

MAX_NETWORKS = 1000


class _NetworksView(ProxyView):
    not_offered = dict.fromkeys(("post", "delete"), "changing networks by the compute API: use the network API")

    def network(self, network_id: str) -> Any:
        key = parse_uuid(network_id)
        row = networks.visible(context=self.caller).filter(id=key).first() if key else None
        if row is None:
            raise NotFound("Network not found")
        return row

    def everything(self) -> list[Any]:
        return list(networks.visible(context=self.caller).order_by("name", "id")[:MAX_NETWORKS])


class NetworksView(_NetworksView):
    """The networks that the caller may see."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-networks:list")
        return Response({"networks": [documents.render(one) for one in self.everything()]})


class NetworkView(_NetworksView):
    """One network."""

    def get(self, request: Request, network_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-networks:show")
        return Response({"network": documents.render(self.network(network_id))})


class TenantNetworksView(_NetworksView):
    """The networks that the project may use."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:os-tenant-networks:list")
        return Response({"networks": [documents.render_brief(one) for one in self.everything()]})


class TenantNetworkView(_NetworksView):
    """One of the networks that the project may use."""

    def get(self, request: Request, network_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-tenant-networks:show")
        return Response({"network": documents.render_brief(self.network(network_id))})


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
