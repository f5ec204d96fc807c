"""Connections of simulated hosts to volumes of others: records, which the other host's record must allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from workers.drivers.simulation import Simulation
from workers.drivers.volume.errors import PoolUnavailable
from workers.drivers.volume.specs import Export, RemoteExport


class Connections:
    """The connections' part of SimulatedVolumes."""

    _simulation: Simulation

    def connect(self, remote: RemoteExport) -> Export:
        """The other host's record must have the export open for this one."""
        with self._simulation.operation("connect") as operation:
            self._check_open(remote)
            operation.halfway()
            self._simulation.write("connections", remote.owner, asdict(remote))
            return self._connection(asdict(remote))

    def disconnect(self, owner: str) -> None:
        with self._simulation.operation("disconnect") as operation:
            operation.halfway()
            self._simulation.remove("connections", owner)

    def list_connections(self) -> tuple[Export, ...]:
        with self._simulation.operation("list_connections"):
            notes = (self._simulation.read("connections", key) for key in self._simulation.names("connections"))
            return tuple(self._connection(note) for note in notes if note is not None)

    def _check_open(self, remote: RemoteExport) -> None:
        there = self._simulation.read_other(remote.host, "volumes", remote.volume_id)
        export = (there or {"exports": {}})["exports"].get(remote.name)
        if export is None or (export["listening"] or {}).get("client") != self._simulation.host:
            raise PoolUnavailable(f"The host {remote.host}, which has the volume, does not answer.")

    def _connection(self, note: Mapping[str, Any]) -> Export:
        socket = str(self._simulation.directory / "connections" / f"{note['owner']}.sock")
        return Export(note["volume_id"], note["name"], socket, owner=note["owner"], size_gib=note["size_gib"])
