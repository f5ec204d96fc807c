"""/servers/{server_id}/topology."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.microversions import since
from apps.compute.api.views.base import OfServer
from apps.scheduling.services import allocations


class TopologyView(OfServer):
    """A server's NUMA nodes; none, if its flavor and its image ask for none. Administrators see those of its host."""

    versions = since("2.78")

    def get(self, request: Request, server_id: str) -> Response:
        server = self.server(server_id, "compute:server:topology:index")
        target = {"project_id": server.project_id}
        full = policy.allowed(self.caller, "compute:server:topology:host:index", target)
        cells = allocations.cells_of(consumer_id=server.id)
        page = next((cell["page"] for cell in cells if cell["page"]), None)
        return Response({"nodes": [_node(cell, full) for cell in cells], "pagesize_kb": page})


def _node(cell: Mapping[str, Any], full: bool) -> dict[str, Any]:
    """A cell as Nova shows it (nova/api/openstack/compute/server_topology.py)."""
    node = {
        "memory_mb": cell["memory"],
        "siblings": [],
        "vcpu_set": sorted({*map(int, cell["pins"]), *cell["floating"]}),
    }
    return node | {"host_node": cell["host"], "cpu_pinning": cell["pins"]} if full else node
