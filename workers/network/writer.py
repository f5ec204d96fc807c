"""Writes what changed: ids come in, rows are read in one go, and the engine gets what they say.

A line may be lost, doubled or late: what is written is what the rows say now. Ids whose writing failed stay until it
succeeds, and the reconciler finds what no line named.
"""

import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from apps.networking.selectors import programmed
from apps.networking.values import ProgrammedPort
from workers.drivers.errors import AbortError, DriverError
from workers.drivers.network.base.engine import NetworkEngine, NetworkPorts
from workers.mapping import engine as mapping

log = structlog.get_logger("celerity.network")
KINDS = ("ports", "networks", "servers")


@dataclass(slots=True)
class Pending:
    """Ids whose rows are to be read."""

    ports: set[uuid.UUID] = field(default_factory=set)
    networks: set[uuid.UUID] = field(default_factory=set)
    servers: set[uuid.UUID] = field(default_factory=set)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take a line's ids; what is no id is left out."""
        for kind in KINDS:
            for text in line.get(kind, ()):
                with suppress(ValueError, AttributeError, TypeError):
                    getattr(self, kind).add(uuid.UUID(text))

    def merge(self, other: "Pending") -> None:
        for kind in KINDS:
            getattr(self, kind).update(getattr(other, kind))

    def __bool__(self) -> bool:
        return bool(self.ports or self.networks or self.servers)


class Writer:
    """Holds what is to be written. One thread writes; the lock keeps comparisons of the whole out meanwhile."""

    def __init__(self, engine: NetworkEngine) -> None:
        self.engine = engine
        self.lock = threading.RLock()
        self._pending = Pending()

    def add(self, line: Mapping[str, Any]) -> None:
        self._pending.add(line)

    @property
    def is_idle(self) -> bool:
        return not self._pending

    def flush(self) -> None:
        """Write all that is pending. Raises what the engine and the database raise; then all of it stays pending."""
        with self.lock:
            taken, self._pending = self._pending, Pending()
            if not taken:
                return
            try:
                self._write(taken)
            except BaseException:
                self._pending.merge(taken)
                raise

    def _write(self, taken: Pending) -> None:
        ports = programmed.ports(port_ids=taken.ports, network_ids=taken.networks, server_ids=taken.servers)
        networks = programmed.networks(network_ids=taken.networks | {port.network_id for port in ports})
        l2 = self.engine.l2
        if gone := taken.ports - {port.id for port in ports}:
            l2.remove_ports(map(str, gone))
        if deleted := taken.networks - networks.keys():
            l2.remove_networks(map(str, deleted))
        by_network: dict[uuid.UUID, list[ProgrammedPort]] = {key: [] for key in networks}
        for port in ports:
            if port.network_id in by_network:
                by_network[port.network_id].append(port)
        for key, network in networks.items():
            item = mapping.network_ports(network, by_network[key])
            if item is not None:
                self._ensure(item, whole=key in taken.networks)

    def _ensure(self, item: NetworkPorts, *, whole: bool) -> None:
        """Write one network's part. What the engine refuses is one tenant's: the others' go on."""
        try:
            if whole:
                self.engine.l2.ensure_network(item.network)
            if item.ports:
                self.engine.l2.ensure_ports(item.network, item.ports)
        except AbortError as error:
            self._refused(item, error)

    def _refused(self, item: NetworkPorts, error: DriverError) -> None:
        ports = [port.id for port in item.ports]
        log.error("network not programmed", network=item.network.id, ports=ports, error=error.details or str(error))
