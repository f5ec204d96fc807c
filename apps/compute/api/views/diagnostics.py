"""/servers/{server_id}/diagnostics."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.compute.api.documents import diagnostics as documents
from apps.compute.api.views.base import OfServer
from apps.compute.services import diagnostics

UNIFORM = since("2.48")


class DiagnosticsView(OfServer):
    """A running guest's counters, for administrators."""

    def get(self, request: Request, server_id: str) -> Response:
        server = self.server(server_id, "os_compute_api:os-server-diagnostics")
        counters = diagnostics.read(server=server)
        document = documents.uniform(server, counters) if self.version in UNIFORM else documents.of_libvirt(counters)
        return Response(document)
