"""/servers/{server_id}/topology."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.compute.api.views.base import OfServer


class TopologyView(OfServer):
    """A server's NUMA nodes: none, as for any server of Nova's whose flavor and image ask for none."""

    versions = since("2.78")

    def get(self, request: Request, server_id: str) -> Response:
        self.server(server_id, "compute:server:topology:index")
        return Response({"nodes": [], "pagesize_kb": None})
