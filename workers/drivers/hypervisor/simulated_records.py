"""The records of simulated servers: one that is there, and one that is on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.hypervisor.base import DomainInfo, PowerState
from workers.drivers.hypervisor.errors import ServerNotFound, ServerNotRunning
from workers.drivers.hypervisor.specs import ClusterSource, DiskSpec, Placement
from workers.drivers.simulation import Simulation

ON = (PowerState.RUNNING, PowerState.PAUSED)


class SimulatedRecords:
    """What the parts of SimulatedHypervisor stand on."""

    _simulation: Simulation

    def _existing(self, server_id: str) -> dict[str, Any]:
        record = self._simulation.read("domains", server_id)
        if record is None:
            raise ServerNotFound("The server does not exist on its host.", details=server_id)
        return record

    def _running(self, server_id: str) -> dict[str, Any]:
        record = self._existing(server_id)
        if record["power_state"] not in ON:
            raise ServerNotRunning("The server is not in a state that allows this.", details=server_id)
        return record


def info_of(record: Mapping[str, Any]) -> DomainInfo:
    """Return a server's record as drivers tell it."""
    state = PowerState(record["power_state"])
    reasons = {PowerState.PAUSED: record.get("reason", ""), PowerState.CRASHED: "crashed"}
    return DomainInfo(id=record["id"], name=record["name"], power_state=state, reason=reasons.get(state, ""))


def cpus_of(placed: Placement | None) -> list[int]:
    """Return the host's processors that a guest has a place on."""
    return sorted({cpu for cell in placed.cells for _, cpus in cell.cpus for cpu in cpus}) if placed else []


def image_of(disk: DiskSpec) -> str:
    """Return "pool/image" of a disk in a cluster; "" for one by an export."""
    return f"{disk.export.pool}/{disk.export.image}" if isinstance(disk.export, ClusterSource) else ""
