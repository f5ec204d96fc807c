"""The password that a guest made for itself and posted to the metadata service, encrypted."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.compute.api.views.base import OfServer
from apps.compute.selectors import server_passwords as selectors
from apps.compute.services import server_passwords

RULE = "os_compute_api:os-server-password:{}"


class ServerPasswordView(OfServer):
    """Show it as it was posted, or clear it, so that the guest may post another."""

    def get(self, request: Request, server_id: str) -> Response:
        server = self.server(server_id, RULE.format("show"))
        return Response({"password": selectors.of_server(server_id=server.id)})

    def delete(self, request: Request, server_id: str) -> Response:
        server = self.server(server_id, RULE.format("clear"))
        server_passwords.clear(server_id=server.id)
        return Response(status=204)
