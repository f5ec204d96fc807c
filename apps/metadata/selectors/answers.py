"""The documents of servers that ask from a host's ports: for many at once, in five queries."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.compute.selectors import server_passwords
from apps.compute.selectors import servers as server_selectors
from apps.metadata import documents
from apps.networking.selectors import bindings
from apps.networking.values import PortFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A port of a host, and the server that the host knows on it."""

    port_id: uuid.UUID
    server_id: uuid.UUID


def bound(*, host: str, askers: Sequence[Asker]) -> dict[Asker, tuple[PortFacts, ...]]:
    """Return the ports of the servers whose asking port is bound to them, and to this host. 1 query."""
    ports = bindings.specs_for_servers(server_ids={asker.server_id for asker in askers})
    return {
        asker: ports[asker.server_id]
        for asker in askers
        if any(port.id == asker.port_id and port.host == host for port in ports.get(asker.server_id, ()))
    }


def of(*, host: str, askers: Sequence[Asker]) -> Mapping[Asker, dict[str, Any]]:
    """Return the documents of those who ask; who is not known is absent. 5 queries."""
    known = bound(host=host, askers=askers)
    server_ids = {asker.server_id for asker in known}
    if not server_ids:
        return {}
    servers = server_selectors.with_metadata(server_ids=server_ids)
    disks = server_selectors.block_devices_of(server_ids=server_ids)
    addresses = bindings.for_servers(server_ids=server_ids)
    passwords = server_passwords.of_servers(server_ids=server_ids)
    answers = {}
    for asker, ports in known.items():
        if server := servers.get(asker.server_id):
            document = documents.bundle(
                server, ports, addresses=addresses.get(server.id, ()), disks=disks.get(server.id, ())
            )
            answers[asker] = document | {"password": passwords.get(server.id, "")}
    return answers
