"""/servers/{server_id}/os-interface: a server's ports. They are plugged when it is made."""

from typing import Any

from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.api.documents import interfaces as documents
from apps.compute.api.views.base import PartOfServer, PartsOfServer
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


class InterfaceView(PartOfServer):
    """One interface, by its port."""

    noun, rules = "interfaceAttachment", "os_compute_api:os-attach-interfaces"
    not_offered = {"delete": HOT_PLUG}

    def load(self, server_id: str, port_id: str) -> Any:
        key = parse_uuid(port_id)
        port = next((port for port in ports.of_server(server_id=self.owner.id) if port.id == key), None)
        if port is None:
            raise NotFound(f"Instance {self.owner.id} does not have port with id {port_id[:64]}")
        return port

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.version)
