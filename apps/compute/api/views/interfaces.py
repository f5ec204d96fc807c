"""/servers/{server_id}/os-interface: a server's ports. They are plugged when it is made."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import interfaces as documents
from apps.compute.api.views.base import ComputeView
from apps.compute.models import Server
from apps.compute.selectors import servers
from apps.networking.selectors import ports

RULE = "os_compute_api:os-attach-interfaces:{}"
HOT_PLUG = "attaching and detaching interfaces of servers"


class _InterfaceView(ComputeView):
    def server(self, server_id: str, verb: str) -> Server:
        server = servers.get(context=self.caller, server_id=server_id)
        policy.check(self.caller, RULE.format(verb), {"project_id": server.project_id})
        return server


class InterfacesView(_InterfaceView):
    """A server's interfaces."""

    not_offered = {"post": HOT_PLUG}

    def get(self, request: Request, server_id: str) -> Response:
        server = self.server(server_id, "list")
        found = [documents.render(port, request.version) for port in ports.of_server(server_id=server.id)]
        return Response({"interfaceAttachments": found})


class InterfaceView(_InterfaceView):
    """One interface, by its port."""

    not_offered = {"delete": HOT_PLUG}

    def get(self, request: Request, server_id: str, port_id: str) -> Response:
        server, key = self.server(server_id, "show"), parse_uuid(port_id)
        port = next((one for one in ports.of_server(server_id=server.id) if one.id == key), None)
        if port is None:
            raise NotFound(f"Instance {server.id} does not have port with id {port_id[:64]}")
        return Response({"interfaceAttachment": documents.render(port, request.version)})
