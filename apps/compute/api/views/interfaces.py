"""/servers/{server_id}/os-interface: a server's ports. They are plugged when it is made."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import interfaces as documents
from apps.compute.api.views.base import OfServer, PartsOfServer
from apps.networking.selectors import ports

RULE = "os_compute_api:os-attach-interfaces:{}"
HOT_PLUG = "attaching and detaching interfaces of servers"


class InterfacesView(PartsOfServer):
    """A server's interfaces."""

    plural, rule = "interfaceAttachments", RULE.format("list")
    not_offered = {"post": HOT_PLUG}

    def rows(self) -> list[Any]:
        return list(ports.of_server(server_id=self.owner.id))

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.version)


class InterfaceView(OfServer):
    """One interface, by its port."""

    not_offered = {"delete": HOT_PLUG}

    def get(self, request: Request, server_id: str, port_id: str) -> Response:
        server, key = self.server(server_id, RULE.format("show")), parse_uuid(port_id)
        port = next((port for port in ports.of_server(server_id=server.id) if port.id == key), None)
        if port is None:
            raise NotFound(f"Instance {server.id} does not have port with id {port_id[:64]}")
        return Response({"interfaceAttachment": documents.render(port, self.version)})
