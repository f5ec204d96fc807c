"""Writes what changed: ids come in, rows are read in one go, and the engine gets what they say.

A line may be lost, doubled or late: what is written is what the rows say now. Ids whose writing failed stay until it
succeeds, and the reconciler finds what no line named.
"""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from apps.networking.selectors import programmed
from apps.networking.values import ProgrammedPort
from workers.drivers.errors import AbortError
from workers.drivers.network.base.engine import NetworkEngine, NetworkPorts
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.base.rules import GroupSpec
from workers.mapping import engine as mapping

log = structlog.get_logger("celerity.network")
Spec = TypeVar("Spec", NetworkSpec, PortSpec, GroupSpec)
KINDS = ("ports", "networks", "servers", "groups")


@dataclass(slots=True)
class Pending:
    """Ids whose rows are to be read."""

    ports: set[uuid.UUID] = field(default_factory=set)
    networks: set[uuid.UUID] = field(default_factory=set)
    servers: set[uuid.UUID] = field(default_factory=set)
    groups: set[uuid.UUID] = field(default_factory=set)

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
        return any(getattr(self, kind) for kind in KINDS)


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
        self._write_groups(taken.groups, {group for port in ports for group in port.groups})
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

    def _write_groups(self, changed: set[uuid.UUID], needed: set[uuid.UUID]) -> None:
        """Write the groups that changed, and those of the ports, which must be there before these."""
        if not changed | needed:
            return
        groups = programmed.groups(group_ids=changed | needed)
        self._each([mapping.group_spec(group) for group in groups], self.engine.rules.ensure_groups)
        if gone := changed - {group.id for group in groups}:
            self.engine.rules.remove_groups(map(str, gone))

    def _ensure(self, item: NetworkPorts, *, whole: bool) -> None:
        if whole:
            self._each([item.network], lambda networks: self.engine.l2.ensure_network(networks[0]))
        if item.ports:
            self._each(item.ports, lambda ports: self.engine.l2.ensure_ports(item.network, ports))

    def _each(self, specs: Sequence[Spec], write: Callable[[Sequence[Spec]], None]) -> None:
        """Write specs together; if the engine refuses them, each alone: one tenant's refusal stops no other's."""
        try:
            write(specs)
        except AbortError as error:
            if len(specs) == 1:
                log.error("not programmed", subject=specs[0].id, error=f"{error} {error.details}")
                return
            for spec in specs:
                self._each([spec], write)
