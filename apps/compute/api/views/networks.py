"""/os-networks and /os-tenant-networks as Nova's proxies show them, until 2.35."""

from typing import Any

from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import networks as documents
from apps.compute.api.views.base import ReadOnlyItem, WholeCollection
from apps.compute.api.views.proxies import ProxyView
from apps.networking.selectors import networks

RULE = "os_compute_api:{}"
MAX_NETWORKS = 1000
UNCHANGED = dict.fromkeys(("post", "delete"), "Changes of networks by the compute API")


class NetworksView(ProxyView, WholeCollection):
    """The networks that the caller may see."""

    plural, rule = "networks", RULE.format("os-networks:list")
    gone = UNCHANGED

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
    gone = UNCHANGED

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
