"""Disks that are plugged into simulated servers: the serial numbers of volumes, in the server's record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workers.drivers.hypervisor.disks import DiskDriver
from workers.drivers.hypervisor.specs import DiskSpec
from workers.drivers.simulation import Simulation


class SimulatedDisks(DiskDriver):
    """The disks' part of SimulatedHypervisor."""

    _simulation: Simulation

    def attach_disk(self, server_id: str, disk: DiskSpec) -> None:
        assert disk.serial is not None
        serial = disk.serial
        with self._simulation.operation("attach_disk") as operation:
            operation.halfway()
            self._set_volumes(server_id, lambda serials: [*(it for it in serials if it != serial), serial])

    def detach_disk(self, server_id: str, serial: str, timeout_s: float) -> None:
        """A simulated guest releases a disk at once."""
        with self._simulation.operation("detach_disk") as operation:
            operation.halfway()
            self._set_volumes(server_id, lambda serials: [it for it in serials if it != serial])

    def resize_disk(self, server_id: str, serial: str, size_bytes: int) -> None:
        """A simulated guest looks at no size."""
        with self._simulation.operation("resize_disk"):
            return

    def resume_after_io_error(self, server_id: str, timeout_s: float) -> bool:
        with self._simulation.operation("resume_after_io_error"):
            record = self._simulation.read("domains", server_id)
            if record is None or (record["power_state"], record.get("reason")) != ("paused", "io_error"):
                return False
            self._simulation.write("domains", server_id, {**record, "power_state": "running", "reason": ""})
            return True

    def disks_of(self, server_id: str) -> tuple[str, ...]:
        with self._simulation.operation("disks_of"):
            record = self._simulation.read("domains", server_id)
            return () if record is None else tuple(record.get("volumes", ()))

    def _set_volumes(self, server_id: str, change: Callable[[list[str]], list[str]]) -> None:
        record = self._simulation.read("domains", server_id)
        if record is not None:
            record["volumes"] = change(record.get("volumes", []))
            self._simulation.write("domains", server_id, record)


def fail_disk(state_dir: str | Path, host: str, server_id: str) -> None:
    """Be a guest whose disk fails: it is paused. Absent is an error: KeyError."""
    simulation = Simulation({"state_dir": state_dir, "host": host})
    record = simulation.read("domains", server_id)
    if record is None:
        raise KeyError(server_id)
    simulation.write("domains", server_id, {**record, "power_state": "paused", "reason": "io_error"})
