"""The migration part of the contract over libvirt."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from urllib.parse import parse_qs, urlsplit

import libvirt

from workers.drivers.hypervisor.base import PowerState
from workers.drivers.hypervisor.errors import MigrationFailed, MigrationImpossible, ServerNotRunning
from workers.drivers.hypervisor.libvirt import domains, migration, secrets, suitability
from workers.drivers.hypervisor.libvirt.connection import Connection
from workers.drivers.hypervisor.libvirt.definition import HostPolicy
from workers.drivers.hypervisor.libvirt.failures import translated
from workers.drivers.hypervisor.libvirt.migration import Arrival
from workers.drivers.hypervisor.migration import (
    ARRIVAL,
    PLACED_ARRIVAL,
    Door,
    Migrated,
    MigrationOperations,
    MigrationOptions,
    OnProgress,
    Whereabouts,
)
from workers.drivers.hypervisor.specs import ClusterSource, ExportSource
from workers.system import files
from workers.system.peers import client
from workers.system.peers.client import Peer
from workers.system.peers.errors import PeerError

_DAEMONS = ("/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock")
_END_S = 10.0


class LibvirtMoves(MigrationOperations):
    """A part of LibvirtDriver."""

    policy: HostPolicy
    _connection: Connection
    _home: str

    @abstractmethod
    def _whole_policy(self, connection: libvirt.virConnect) -> HostPolicy:
        """Return the policy with what depends on the host."""

    @abstractmethod
    def _existing(self, server_id: str) -> libvirt.virDomain:
        """Return the domain. Raises ServerNotFound."""

    @abstractmethod
    def _lookup(self, server_id: str) -> libvirt.virDomain | None:
        """Return the domain, or None."""

    def arrival_facts(self, volumes: Mapping[str, ExportSource | ClusterSource]) -> bytes:
        exports = {key: source for key, source in volumes.items() if isinstance(source, ExportSource)}
        sources = {key: {"socket": source.socket, "name": source.name} for key, source in exports.items()}
        with translated(MigrationFailed):
            if len(exports) < len(volumes):
                self._connection.run(lambda it: secrets.keep(it, volumes.values()))
            shared = self._connection.run(self._whole_policy).shared_cpus
        return json.dumps({"home": self._home, "volumes": sources, "shared_cpus": shared}).encode()

    def prepare_arrival(self, server_id: str) -> None:
        migration.make_directory(server_id)

    def arrival_door(self, server_id: str, door: Door) -> str:
        if not migration.directory(server_id).is_dir():
            raise MigrationFailed("The host does not expect the server.", details=server_id)
        if door != "hypervisor":
            return str(migration.directory(server_id) / door)
        named = parse_qs(urlsplit(self._connection.uri).query).get("socket", [])
        return next((path for path in (*named, *_DAEMONS) if Path(path).exists()), _DAEMONS[0])

    def check_migration(self, server_id: str, peer: Peer) -> None:
        with translated(MigrationFailed), migration.reaching(peer, server_id), migration.there(server_id) as far:
            domain = self._running(server_id)
            if far.getURI() and far.getHostname() == domain.connect().getHostname():
                raise MigrationImpossible("Both hosts have the same hypervisor.", details=peer.host)
            suitability.check(domain, far, self.policy)

    def migrate(
        self, server_id: str, peer: Peer, options: MigrationOptions, progress: OnProgress, stop: Event
    ) -> Migrated:
        arrival = self._arrival(server_id, peer, PLACED_ARRIVAL if options.placement is not None else ARRIVAL)
        # Connected before it begins: the guest waits for what comes after it.
        with translated(MigrationFailed), migration.reaching(peer, server_id), migration.there(server_id) as far:
            migration.run(self._running(server_id), arrival, options, progress, stop)
            arrived = domains.find_any(far, server_id)
            if arrived is None:
                raise MigrationFailed("The server is not on its new host.", details=peer.host)
            if options.runs:
                migration.wake(arrived)
            return migration.took(arrived)

    def force_complete(self, server_id: str) -> None:
        with translated(MigrationFailed):
            domain = self._lookup(server_id)
            if domain is not None:
                migration.force(domain)

    def whereabouts(self, server_id: str, peer: Peer, *, runs: bool) -> Whereabouts:
        with translated(MigrationFailed):
            domain = self._lookup(server_id)
            if domain is not None:
                migration.end(domain, _END_S)
                domain = self._lookup(server_id)
            if domain is not None and domains.is_active(domain):
                self._stay(domain, peer, runs=runs)
                return Whereabouts.HERE
            with migration.reaching(peer, server_id), migration.there(server_id) as far:
                arrived = domains.find_any(far, server_id)
                if arrived is None or not migration.has_arrived(arrived):
                    return Whereabouts.OFF
                if domain is not None:  # libvirtd ended between its last two acts
                    domains.forget(domain)
                if runs:
                    migration.wake(arrived)
                return Whereabouts.THERE

    def has_arrived(self, server_id: str) -> bool:
        with translated(MigrationFailed):
            return migration.has_arrived(self._lookup(server_id))

    def settle_arrival(self, server_id: str, *, runs: bool) -> None:
        with translated(MigrationFailed):
            domain = self._lookup(server_id)
            if domain is not None:
                if migration.has_arrived(domain):
                    migration.wake(domain) if runs else migration.hold_disks(domain)
                domains.close_console(domains.read(domain, with_devices=True))
        files.remove_tree(migration.directory(server_id))

    def _stay(self, domain: libvirt.virDomain, peer: Peer, *, runs: bool) -> None:
        """Let the guest run on here. What came of it to the destination is paused, and goes."""
        server_id = domain.UUIDString()
        try:
            with migration.reaching(peer, server_id), migration.there(server_id) as far:
                copy = domains.find_any(far, server_id)
                if copy is not None and domains.power_state(copy) != PowerState.RUNNING:
                    domains.power_off(copy)
                    domains.forget(copy)
        except (libvirt.libvirtError, MigrationFailed):
            """The destination removes it itself, when it is back."""
        if runs:
            migration.wake(domain)

    def _running(self, server_id: str) -> libvirt.virDomain:
        domain = self._existing(server_id)
        if not domains.is_active(domain):
            raise ServerNotRunning("The server is not running.", details=server_id)
        return domain

    def _arrival(self, server_id: str, peer: Peer, part: str) -> Arrival:
        try:
            facts = json.loads(client.read(peer, server_id, part))
            volumes = {key: ExportSource(at["socket"], at["name"]) for key, at in facts["volumes"].items()}
            shared = facts.get("shared_cpus")  # agents of before have said nothing
            cpus = None if shared is None else tuple(int(cpu) for cpu in shared)
            return Arrival(self._home, str(facts["home"]), volumes, cpus)
        except (PeerError, ValueError, KeyError, TypeError) as error:
            raise MigrationFailed(f"The host {peer.host} does not answer.", details=str(error)) from error
