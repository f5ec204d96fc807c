"""/servers/{server_id}/remote-consoles and their tokens: no host of this cloud has such consoles."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.microversions import since
from apps.compute.api.serializers import remote_consoles as serializers
from apps.compute.api.views.base import ComputeView, OfServer
from apps.compute.exceptions import ConsoleTypeUnavailable


class RemoteConsolesView(OfServer):
    versions = since("2.6")
    request_serializers = {"post": serializers.RemoteConsole}
    examples = {"POST": {"remote_console": {"protocol": "vnc", "type": "novnc"}}}

    def post(self, request: Request, server_id: str) -> Response:
        """Raises ConsoleTypeUnavailable (400)."""
        self.server(server_id, "os_compute_api:os-remote-consoles")
        values = self.parse(request, "remote_console")
        raise ConsoleTypeUnavailable(type=values["type"])


class ConsoleTokenView(ComputeView):
    """Where a console's token leads: there is no token."""

    def get(self, request: Request, console_token: str) -> Response:
        """Raises NotFound (404)."""
        policy.check(self.caller, "os_compute_api:os-console-auth-tokens")
        self.check_query(strict_since="2.99")
        raise NotFound("Token not found")
