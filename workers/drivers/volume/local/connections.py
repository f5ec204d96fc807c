"""Exports that other hosts have of volumes here, and connections to volumes there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workers.drivers.volume.errors import PoolBusy
from workers.drivers.volume.local import relays
from workers.drivers.volume.local.daemon import Daemon
from workers.drivers.volume.local.pool import Pool
from workers.drivers.volume.local.relays import Relay
from workers.drivers.volume.specs import Export, ExportSpec, RemoteExport
from workers.system import locks

_PATIENCE_S = 30.0  # a relay that starts, or ends, may take so long
RELAYS = "relays"  # of a volume's exports, below the directory of its daemon


class Connections(Pool):
    """The relays' part of LocalVolumes. Its own directory beside those of the daemons has the connections."""

    def list_exports(self) -> tuple[Export, ...]:
        """As noted when they were opened, of the processes that live: a busy one is not asked."""
        exports = []
        for path in sorted(self._run.iterdir()) if self._run.is_dir() else ():
            daemon = self._daemon(path.name)
            heard = [known for known in daemon.wanted() if self._is_heard(path.name, known)]
            exports += [
                Export(path.name, known.name, str(daemon.socket), known.listening)
                for known in (heard if daemon.is_whole() else ())
            ]
        return tuple(exports)

    def connect(self, remote: RemoteExport) -> Export:
        """One that is connected already is left alone, unless what it was made for has changed."""
        with self._alone(remote.owner) as relay:
            relays.reach(relay, self._credentials, remote)
            return _connected(relays.noted(remote), relay)

    def disconnect(self, owner: str) -> None:
        with self._alone(owner) as relay:
            relay.end()

    def list_connections(self) -> tuple[Export, ...]:
        connections = []
        for path in sorted(self._far.iterdir()) if self._far.is_dir() else ():
            relay = Relay(path)
            note = relay.note()
            if note is not None and relay.is_running():
                connections.append(_connected(note, relay))
        return tuple(connections)

    @contextmanager
    def _alone(self, owner: str) -> Iterator[Relay]:
        """Hold the lock of an owner's connection."""
        try:
            with self._host_lock(f"far-{_short(owner)}", _PATIENCE_S):
                yield Relay(self._far / _short(owner))
        except locks.LockTimeout as error:
            raise PoolBusy("Another operation on the volume is under way.") from error

    def _listen(self, volume_id: str, export: ExportSpec) -> None:
        """Have the relay of an export that another host has. Raises PoolUnavailable, PortTaken."""
        if export.listening is not None:
            home = self._daemon(volume_id).socket
            relays.listen(self._relay(volume_id, export.name), self._credentials, export, export.listening, home)

    @contextmanager
    def _muted(self, volume_id: str) -> Iterator[None]:
        """End the relays of a volume for the block. They know its size from when they began; the requests of other
        hosts' guests wait meanwhile.
        """
        self._mute(volume_id)
        try:
            yield
        finally:
            for export in self._daemon(volume_id).wanted():
                self._listen(volume_id, export)

    def _drop(self, daemon: Daemon, left: Sequence[ExportSpec], name: str) -> None:
        """Close an export. The last one takes its process with it, and so does one that does not answer."""
        Relay(daemon.directory / RELAYS / _short(name)).end()
        if not left:
            daemon.end()
            return
        daemon.want(left)
        if daemon.is_running():
            daemon.remove(name)

    def _mute(self, volume_id: str) -> None:
        """End all relays of a volume's exports."""
        for path in _entries(self._run / volume_id / RELAYS):
            Relay(path).end()

    def _is_heard(self, volume_id: str, export: ExportSpec) -> bool:
        """Whether the host that has the export can reach it."""
        return export.listening is None or self._relay(volume_id, export.name).is_running()

    def _stray_relays(self, volume_id: str, *, remove: bool) -> list[str]:
        """Relays of exports that are not to be open: their opening was cut short."""
        known = {_short(export.name) for export in self._daemon(volume_id).wanted() if export.listening is not None}
        strays = [path for path in _entries(self._run / volume_id / RELAYS) if path.name not in known]
        for path in strays if remove else ():
            Relay(path).end()
        return [f"relay of volume {volume_id}" for _ in strays]

    def _broken_connections(self, *, remove: bool) -> list[str]:
        """Connections that were cut short while they were made: nobody knows whose they are."""
        texts = []
        for path in _entries(self._far):
            relay = Relay(path)
            if relay.note() is None:
                with suppress(locks.LockTimeout), self._host_lock(f"far-{path.name}", 0):
                    texts.append(f"connection {path.name}")
                    if remove:
                        relay.end()
        return texts

    def _relay(self, volume_id: str, name: str) -> Relay:
        return Relay(self._run / volume_id / RELAYS / _short(name))


def _connected(note: dict[str, Any], relay: Relay) -> Export:
    socket = str(relay.socket)
    return Export(note["volume_id"], note["name"], socket, owner=note["owner"], size_gib=note["size_gib"])


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _short(text: str) -> str:
    """A file name for a name: a path of a unix socket has 107 characters at most."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
