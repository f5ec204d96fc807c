"""/servers/{server_id}/ips."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.compute.api.documents import servers as documents
from apps.compute.api.views.base import ComputeView
from apps.compute.selectors import servers
from apps.networking.selectors import bindings


class _IPsView(ComputeView):
    def addresses(self, server_id: str, verb: str) -> dict[str, list[dict[str, Any]]]:
        """Return network name -> addresses."""
        server = servers.get(context=self.caller, server_id=server_id)
        policy.check(self.caller, f"os_compute_api:ips:{verb}", {"project_id": server.project_id})
        ports = bindings.for_servers(server_ids=[server.id]).get(server.id, ())
        return documents.addresses_of(ports, extended=False)


class IPsView(_IPsView):
    """A server's addresses by network."""

    def get(self, request: Request, server_id: str) -> Response:
        return Response({"addresses": self.addresses(server_id, "index")})


class NetworkIPsView(_IPsView):
    """A server's addresses in one network, by its name."""

    def get(self, request: Request, server_id: str, network: str) -> Response:
        by_network = self.addresses(server_id, "show")
        if network not in by_network:
            raise NotFound("Instance is not a member of specified network")
        return Response({network: by_network[network]})
