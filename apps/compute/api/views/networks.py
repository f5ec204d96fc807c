"""/os-networks, /os-tenant-networks and floating IPs as Nova's proxies show them, until 2.35."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import networks as documents
from apps.compute.api.views.base import ReadOnlyItem, WholeCollection
from apps.compute.api.views.proxies import ProxyView
from apps.networking.selectors import networks

RULE = "os_compute_api:{}"
MAX_NETWORKS = 1000
UNCHANGED = dict.fromkeys(("post", "delete"), "changing networks by the compute API: use the network API")


class NetworksView(ProxyView, WholeCollection):
    """The networks that the caller may see."""

    plural, rule = "networks", RULE.format("os-networks:list")
    not_offered = UNCHANGED

    def rows(self) -> Any:
        return networks.visible(context=self.caller).order_by("name", "id")[:MAX_NETWORKS]

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class TenantNetworksView(NetworksView):
    """The networks that the project may use."""

    rule = RULE.format("os-tenant-networks:list")

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_brief(row)


class NetworkView(ProxyView, ReadOnlyItem):
    """One network."""

    noun, rules = "network", "os_compute_api:os-networks"
    before_row = ("show",)
    not_offered = UNCHANGED

    def load(self, network_id: str) -> Any:
        key = parse_uuid(network_id)
        network = networks.visible(context=self.caller).filter(id=key).first() if key else None
        if network is None:
            raise NotFound("Network not found")
        return network

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class TenantNetworkView(NetworkView):
    """One of the networks that the project may use."""

    rules = "os_compute_api:os-tenant-networks"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_brief(row)


class FloatingIPPoolsView(ProxyView, WholeCollection):
    """The networks that floating IPs would come from."""

    plural, rule = "floating_ip_pools", RULE.format("os-floating-ip-pools")

    def rows(self) -> Any:
        return networks.visible(context=self.caller).filter(external=True).order_by("name", "id")[:MAX_NETWORKS]

    def render(self, row: Any) -> dict[str, Any]:
        return {"name": row.name}


class FloatingIPsView(ProxyView, WholeCollection):
    """The project's floating IPs: there are none yet."""

    plural, rule = "floating_ips", RULE.format("os-floating-ips:list")
    not_offered = {"post": "floating IPs"}

    def rows(self) -> tuple[()]:
        return ()


class FloatingIPView(ProxyView):
    """No floating IP has an id yet."""

    not_offered = {"delete": "floating IPs"}

    def get(self, request: Request, floating_ip_id: str) -> Response:
        policy.check(self.caller, "os_compute_api:os-floating-ips:show")
        raise NotFound(f"Floating IP not found for ID {floating_ip_id[:64]}")
