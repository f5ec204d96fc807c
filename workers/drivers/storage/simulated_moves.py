"""Simulated disks that move: records are copied, as all hosts of one simulation are below one directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from threading import Event

from workers.drivers import values
from workers.drivers.simulation import Simulation
from workers.drivers.storage.base import CachedImage, Disk
from workers.drivers.storage.errors import FilesMissing
from workers.drivers.storage.moves import MoveOperations, ServerSource

_GIB = 1 << 30
_LEFT_OUT = ("swap", "config-2", "rescue")


class SimulatedMoves(MoveOperations):
    """A part of SimulatedStorage."""

    _simulation: Simulation

    def receive_server(self, server_id: str, source: ServerSource, stop: Event) -> None:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("receive_server", stop=stop) as operation:
            there = self._simulation.directory.with_name(source.host)
            record = self._simulation.read_other(source.host, "disks", server_id)
            if record is None:
                raise FilesMissing(
                    "The disks of the server are not on its host.", details=f"{server_id} on {source.host}"
                )
            operation.halfway()
            here = str(self._simulation.directory)
            moved = json.loads(json.dumps(record).replace(f"{there}/", f"{here}/"))
            self._simulation.write("disks", server_id, _without(moved))

    def send_server(self, server_id: str, write: Callable[[bytes], object]) -> None:
        """Nobody asks: the others read the records."""
        raise FilesMissing("Simulated disks are not sent.", details=server_id)

    def keep_server(self, server_id: str, stop: Event) -> None:
        with self._simulation.operation("keep_server", stop=stop) as operation:
            record = self._simulation.read("disks", server_id)
            if record is None:
                raise FilesMissing("The disks of the server are not on its host.", details=server_id)
            operation.halfway()
            if self._simulation.read("kept", server_id) is None:
                self._simulation.write("kept", server_id, _without(record))

    def return_server(self, server_id: str) -> None:
        with self._simulation.operation("return_server") as operation:
            record = self._simulation.read("kept", server_id)
            if record is not None:
                self._simulation.write("disks", server_id, record)
                operation.halfway()
                self._simulation.remove("kept", server_id)

    def forget_kept(self, server_id: str) -> None:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("forget_kept") as operation:
            operation.halfway()
            self._simulation.remove("kept", server_id)

    def list_kept(self) -> tuple[str, ...]:
        with self._simulation.operation("list_kept"):
            return self._simulation.names("kept")

    def unpack_root(self, server_id: str, image: CachedImage, size_gib: int, stop: Event) -> None:
        with self._simulation.operation("unpack_root", stop=stop) as operation:
            disks = self._simulation.read("disks", server_id) or {}
            operation.halfway()
            path = str(self._simulation.directory / "disks" / server_id / "root")
            disks.setdefault("root", asdict(Disk(path, "qcow2", size_gib * _GIB or image.virtual_size)))
            self._simulation.write("disks", server_id, disks)

    def grow_disk(self, server_id: str, name: str, size_gib: int) -> None:
        with self._simulation.operation("grow_disk") as operation:
            disks = self._simulation.read("disks", server_id) or {}
            if name not in disks:
                raise FilesMissing("The disk of the server is not on its host.", details=f"{name} of {server_id}")
            operation.halfway()
            disks[name]["size_bytes"] = max(disks[name]["size_bytes"], size_gib * _GIB)
            self._simulation.write("disks", server_id, disks)


def _without(record: dict[str, object]) -> dict[str, object]:
    return {name: disk for name, disk in record.items() if name not in _LEFT_OUT}
