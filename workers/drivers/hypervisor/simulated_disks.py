"""Disks that are plugged into simulated servers: the serial numbers of volumes, in the server's record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.drivers.hypervisor.disks import DiskDriver
from workers.drivers.hypervisor.errors import CopyFailed
from workers.drivers.hypervisor.live import CopyProgress
from workers.drivers.hypervisor.simulated_records import ON
from workers.drivers.hypervisor.specs import ClusterSource, DiskSpec, ExportSource
from workers.drivers.simulation import Simulation


class SimulatedDisks(DiskDriver):
    """The disks' part of SimulatedHypervisor."""

    _simulation: Simulation

    def attach_disk(self, server_id: str, disk: DiskSpec) -> None:
        assert disk.serial is not None
        serial = disk.serial
        with self._simulation.operation("attach_disk") as operation:
            operation.halfway()
            self._set_volumes(server_id, lambda serials: [*(it for it in serials if it != serial), serial], disk)

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

    def swap_disk(self, server_id: str, disk: DiskSpec, size_bytes: int, progress: CopyProgress | None = None) -> bool:
        """A simulated volume has no data to copy."""
        with self._simulation.operation("swap_disk") as operation:
            record = self._simulation.read("domains", server_id)
            if record is None or _has(record, disk):
                return record is not None
            if record["power_state"] not in ON:
                return False
            if disk.serial not in record.get("volumes", ()):
                raise CopyFailed("The server does not have this disk.", details=f"{server_id}: {disk.serial}")
            if progress is not None:
                progress(0, 1)
            self._simulation.write("domains", server_id, {**record, "copied": True})
            try:
                operation.halfway()
            finally:  # a killed process leaves it
                self._simulation.write("domains", server_id, record)
            self._set_volumes(server_id, lambda serials: serials, disk)
            return True

    def disk_source(self, server_id: str, serial: str) -> str:
        with self._simulation.operation("disk_source"):
            record = self._simulation.read("domains", server_id) or {}
            return str(record.get("sources", {}).get(serial, "")) if serial in record.get("volumes", ()) else ""

    def _set_volumes(
        self, server_id: str, change: Callable[[list[str]], list[str]], disk: DiskSpec | None = None
    ) -> None:
        record = self._simulation.read("domains", server_id)
        if record is not None:
            record["volumes"] = change(record.get("volumes", []))
            if disk is not None:
                record["sources"] = {**record.get("sources", {}), str(disk.serial): name_of(disk.export)}
                record["limits"] = {**record.get("limits", {}), str(disk.serial): dict(disk.limits)}
            self._simulation.write("domains", server_id, record)


def name_of(export: ExportSource | ClusterSource | None) -> str:
    """Return what tells one volume's source from another's."""
    return f"{export.pool}/{export.image}" if isinstance(export, ClusterSource) else export.name if export else ""


def _has(record: dict[str, Any], disk: DiskSpec) -> bool:
    return disk.serial in record["volumes"] and record.get("sources", {}).get(disk.serial) == name_of(disk.export)


def fail_disk(state_dir: str | Path, host: str, server_id: str) -> None:
    """Be a guest whose disk fails: it is paused. Absent is an error: KeyError."""
    simulation = Simulation({"state_dir": state_dir, "host": host})
    record = simulation.read("domains", server_id)
    if record is None:
        raise KeyError(server_id)
    simulation.write("domains", server_id, {**record, "power_state": "paused", "reason": "io_error"})
