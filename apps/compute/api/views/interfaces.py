"""/servers/{server_id}/os-interface: a server's ports, which are attached and detached here."""

from typing import Any

from rest_framework.request import Request

from apps.common import audit
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.actions import ATTACH_INTERFACE, DETACH_INTERFACE
from apps.compute.api import permissions
from apps.compute.api.documents import interfaces as documents
from apps.compute.api.serializers import interfaces as serializers
from apps.compute.api.views.base import PartOfServer, PartsOfServer
from apps.compute.exceptions import InterfaceAttachFailed, InterfacePortNotFound
from apps.compute.models import Server
from apps.compute.services import interfaces
from apps.networking.selectors import ports

RULE = "os_compute_api:os-attach-interfaces:{}"
KEY = "interfaceAttachment"


def _with_tags(server: Server) -> list[tuple[Any, str | None]]:
    """Return a server's ports in their order, with the tags that were requested in the same order."""
    rows = ports.of_server(server_id=server.id)
    tags = [wanted.get("tag") for wanted in server.requested_networks or []]
    return list(zip(rows, tags + [None] * len(rows), strict=False))


class InterfacesView(PartsOfServer):
    """A server's interfaces."""

    plural, rule = "interfaceAttachments", RULE.format("list")
    request_serializers = {"post": serializers.InterfaceAttachment}
    examples = {"POST": {KEY: {"net_id": "<a network's id>"}}}

    def rows(self) -> list[Any]:
        return _with_tags(self.owner)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row[0], self.version, row[1])

    def post(self, request: Request, server_id: str) -> Response:
        """Attach an interface: the answer has its port, which is ACTIVE once the guest's card is plugged."""
        server = self.server(server_id, ATTACH_INTERFACE.policy)
        requested = self.parse(request, KEY)["requested"] if request.data else None
        with audit.action(ATTACH_INTERFACE.event, "server", server.id):
            port_id = interfaces.attach(
                context=self.caller,
                server=server,
                requested=requested,
                permissions=permissions.of_interfaces(self.caller, {"networks": [requested] if requested else []}),
            )
        port = next((port for port in ports.of_server(server_id=server.id) if port.id == port_id), None)
        if port is None:
            raise InterfaceAttachFailed(server=server.id)
        return Response({KEY: documents.render(port, self.version, requested.tag if requested else None)})


class InterfaceView(PartOfServer):
    """One interface, by its port."""

    noun, rules = KEY, "os_compute_api:os-attach-interfaces"

    def load(self, server_id: str, port_id: str) -> Any:
        key = parse_uuid(port_id)
        row = next((row for row in _with_tags(self.owner) if row[0].id == key), None)
        if row is None:
            raise NotFound(f"Instance {self.owner.id} does not have port with id {port_id[:64]}")
        return row

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row[0], self.version, row[1])

    def delete(self, request: Request, server_id: str, port_id: str) -> Response:
        """Detach an interface: it is gone when the guest has released its card."""
        server = self.server(server_id, DETACH_INTERFACE.policy)
        key = parse_uuid(port_id)
        if key is None:
            raise InterfacePortNotFound(port=port_id[:64])
        with audit.action(DETACH_INTERFACE.event, "server", server.id):
            interfaces.detach(context=self.caller, server=server, port_id=key)
        return Response(status=202)
