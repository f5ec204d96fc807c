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

from apps.networking.selectors import programmed
from apps.networking.values import NetworkFacts, ProgrammedFloatingIP, ProgrammedPort, ProgrammedRouter
from workers.drivers.errors import AbortError
from workers.drivers.network.base.engine import NetworkEngine, NetworkPorts
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.base.l3 import FloatingIPSpec, RouterSpec
from workers.drivers.network.base.rules import GroupSpec
from workers.mapping import engine as mapping
from workers.mapping import qos, refusals, routing
from workers.network.gateways import GatewayHosts
from workers.network.notices import Notices

Spec = TypeVar("Spec", NetworkSpec, PortSpec, GroupSpec, RouterSpec, FloatingIPSpec)
KINDS = ("ports", "networks", "servers", "groups", "routers", "floating_ips", "addresses")


@dataclass(slots=True)
class Pending:
    """Ids whose rows are to be read."""

    ports: set[uuid.UUID] = field(default_factory=set)
    networks: set[uuid.UUID] = field(default_factory=set)
    servers: set[uuid.UUID] = field(default_factory=set)
    groups: set[uuid.UUID] = field(default_factory=set)
    routers: set[uuid.UUID] = field(default_factory=set)
    floating_ips: set[uuid.UUID] = field(default_factory=set)
    addresses: set[uuid.UUID] = field(default_factory=set)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take a line's ids; what is no id is left out."""
        for kind in KINDS:
            for text in line.get(kind, ()):
                with suppress(ValueError, AttributeError, TypeError):
                    getattr(self, kind).add(uuid.UUID(text))
        self.ports |= self.addresses

    def merge(self, other: "Pending") -> None:
        for kind in KINDS:
            getattr(self, kind).update(getattr(other, kind))

    def __bool__(self) -> bool:
        return any(getattr(self, kind) for kind in KINDS)


@dataclass(frozen=True, slots=True)
class Routed:
    """Routers, and floating IPs of these."""

    routers: Sequence[ProgrammedRouter] = ()
    floating_ips: Sequence[ProgrammedFloatingIP] = ()

    @property
    def network_ids(self) -> set[uuid.UUID]:
        """The networks that the routers are on."""
        return set().union(*(router.network_ids for router in self.routers))


class Writer:
    """Holds what is to be written. One thread writes; the lock keeps comparisons of the whole out meanwhile."""

    def __init__(self, engine: NetworkEngine) -> None:
        self.engine = engine
        self.gateways = GatewayHosts()
        self.notices = Notices()
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
        rows = programmed.ports(port_ids=taken.ports, network_ids=taken.networks, server_ids=taken.servers)
        ports = qos.with_flavors(rows)
        routed = self._routed(taken)
        needed = {port.network_id for port in ports}.union(*(router.network_ids for router in routed.routers))
        networks = programmed.networks(network_ids=taken.networks | needed)
        self._write_groups(taken.groups, {group for port in ports for group in port.groups})
        self._remove_routed(taken, routed)
        l2 = self.engine.l2
        if gone := taken.ports - {port.id for port in ports}:
            l2.remove_ports(map(str, gone))
        if deleted := taken.networks - networks.keys():
            l2.remove_networks(map(str, deleted))
        written = self._write_networks(networks, ports, whole=taken.networks | routed.network_ids)
        self._write_routed(routed, written)
        for port in ports:
            if port.id in taken.addresses and port.host:
                self.notices.add(port.host, port.id)

    def _write_networks(
        self, networks: Mapping[uuid.UUID, NetworkFacts], ports: Sequence[ProgrammedPort], *, whole: set[uuid.UUID]
    ) -> set[str]:
        """Write ports of networks, and those networks that are in ``whole``. Returns what an engine could take."""
        by_network: dict[uuid.UUID, list[ProgrammedPort]] = {key: [] for key in networks}
        for port in ports:
            if port.network_id in by_network:
                by_network[port.network_id].append(port)
        written = set()
        for key, network in networks.items():
            item = mapping.network_ports(network, by_network[key])
            if item is not None:
                self._ensure(item, whole=key in whole)
                written.add(item.network.id)
        return written

    def _routed(self, taken: Pending) -> Routed:
        """Read floating IPs, and routers: those of the floating IPs must be there before these."""
        if not taken.routers | taken.floating_ips | taken.networks:
            return Routed()
        floating_ips = programmed.floating_ips(floating_ip_ids=taken.floating_ips, router_ids=taken.routers)
        router_ids = taken.routers | {item.router_id for item in floating_ips}
        routers = programmed.routers(router_ids=router_ids, network_ids=taken.networks)
        return Routed(routers, floating_ips)

    def _remove_routed(self, taken: Pending, routed: Routed) -> None:
        if loose := taken.floating_ips - {item.id for item in routed.floating_ips if item.leads}:
            self.engine.l3.remove_floating_ips(map(str, loose))
        if gone := taken.routers - {router.id for router in routed.routers}:
            self.engine.l3.remove_routers(map(str, gone))

    def _write_routed(self, routed: Routed, networks: set[str]) -> None:
        if not routed.routers:
            return
        names = self.gateways.names() if any(router.gateway for router in routed.routers) else ()
        specs = routing.router_specs(routed.routers, names, networks=networks)
        for spec in specs:
            self._each([spec], lambda routers: self.engine.l3.ensure_router(routers[0]))
        leading = routing.floating_ip_specs(routed.floating_ips, routers=specs)
        if leading:
            self._each(leading, self.engine.l3.ensure_floating_ips)

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
                refusals.add(f"{type(specs[0]).__name__} {specs[0].id}", f"{error} {error.details}".strip())
                return
            for spec in specs:
                self._each([spec], write)
