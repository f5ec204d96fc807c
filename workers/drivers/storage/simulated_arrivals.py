"""Disks of simulated servers that move while they run: their records are copied."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

from workers.drivers.simulation import Simulation
from workers.drivers.storage.arrivals import ArrivalOperations
from workers.drivers.storage.errors import FilesMissing, ImageUnavailable
from workers.system.peers.client import Peer


class SimulatedArrivals(ArrivalOperations):
    """A part of SimulatedStorage."""

    _simulation: Simulation

    def describe_disks(self, server_id: str) -> bytes:
        return json.dumps(self._simulation.read("disks", server_id) or {}).encode()

    def handed_file(self, server_id: str, name: str) -> Path:
        raise FilesMissing("The server has no such file.", details=name)

    def prepare_disks(self, server_id: str, source: Peer, stop: Event) -> None:
        """A simulated disk has no data: its record is all there is of it."""
        with self._simulation.operation("prepare_disks", stop=stop) as operation:
            there = self._simulation.directory.with_name(source.host)
            record = self._simulation.read_other(source.host, "disks", server_id)
            if record is None:
                raise FilesMissing(
                    "The disks of the server are not on its host.", details=f"{server_id} on {source.host}"
                )
            operation.halfway()
            moved = json.loads(json.dumps(record).replace(f"{there}/", f"{self._simulation.directory}/"))
            self._simulation.write("disks", server_id, moved)

    def receive_images(self, server_id: str, source: Peer, stop: Event) -> None:
        with self._simulation.operation("receive_images", stop=stop) as operation:
            disks = self._simulation.read_other(source.host, "disks", server_id) or {}
            operation.halfway()
            for sha512 in {Path(disk["backing_path"]).name for disk in disks.values() if disk.get("backing_path")}:
                record = self._simulation.read_other(source.host, "images", sha512)
                if record is None:
                    raise ImageUnavailable("The image is not on the other host.", details=sha512)
                self._simulation.write("images", sha512, record)

    def keep_console(self, server_id: str, text: bytes) -> None:
        with self._simulation.operation("keep_console"):
            return
