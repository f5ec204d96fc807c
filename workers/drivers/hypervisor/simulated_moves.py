"""Live migration of simulated guests: all hosts of one simulation are below one directory."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from threading import Event
from typing import Any

from workers.drivers.errors import Stopped
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.hypervisor.errors import MigrationFailed
from workers.drivers.hypervisor.migration import (
    Door,
    Migrated,
    MigrationOperations,
    MigrationOptions,
    OnProgress,
    Progress,
    Whereabouts,
)
from workers.drivers.hypervisor.simulated_records import ON, SimulatedRecords, cpus_of
from workers.drivers.hypervisor.specs import ClusterSource, ExportSource
from workers.drivers.simulation import Simulation
from workers.system.peers.client import Peer

_TICK_S = 0.1
_MIB = 1 << 20


class SimulatedMoves(SimulatedRecords, MigrationOperations):
    """A part of SimulatedHypervisor. A delay of `migrate_memory` in the plan passes with progress, and may be
    forced.
    """

    def arrival_facts(self, volumes: Mapping[str, ExportSource | ClusterSource]) -> bytes:
        return b"{}"

    def prepare_arrival(self, server_id: str) -> None:
        with self._simulation.operation("prepare_arrival"):
            return

    def arrival_door(self, server_id: str, door: Door) -> str:
        raise MigrationFailed("A simulated host has no doors.", details=door)

    def check_migration(self, server_id: str, peer: Peer) -> None:
        with self._simulation.operation("check_migration"):
            self._running(server_id)

    def migrate(
        self, server_id: str, peer: Peer, options: MigrationOptions, progress: OnProgress, stop: Event
    ) -> Migrated:
        began = time.monotonic()
        with self._simulation.operation("migrate", stop=stop) as operation:
            far = self._far(peer)
            record = self._running(server_id)
            self._copy_memory(server_id, int(record["ram_mib"]) * _MIB, progress, stop)
            record = {**self._running(server_id), "forced": False}
            if options.placement is not None:
                record["cpus"] = cpus_of(options.placement)
            there = json.loads(json.dumps(record).replace(f"{self._simulation.directory}/", f"{far.directory}/"))
            far.write("domains", server_id, {**there, "power_state": PowerState.PAUSED, "reason": "migration"})
            operation.halfway()
            self._simulation.remove("domains", server_id)
            far.write("domains", server_id, there if options.runs else {**there, "power_state": PowerState.PAUSED})
        return Migrated(total_ms=round((time.monotonic() - began) * 1000), downtime_ms=1)

    def force_complete(self, server_id: str) -> None:
        with self._simulation.operation("force_complete"):
            record = self._simulation.read("domains", server_id)
            if record is not None:
                self._simulation.write("domains", server_id, {**record, "forced": True})

    def whereabouts(self, server_id: str, peer: Peer, *, runs: bool) -> Whereabouts:
        with self._simulation.operation("whereabouts"):
            far = self._far(peer)
            here, there = (simulation.read("domains", server_id) for simulation in (self._simulation, far))
            if here is not None and here["power_state"] in ON:
                if there is not None and there["power_state"] != PowerState.RUNNING:
                    far.remove("domains", server_id)
                return Whereabouts.HERE
            if there is None or here is not None:
                return Whereabouts.OFF
            if runs:
                far.write("domains", server_id, _awake(there))
            return Whereabouts.THERE

    def has_arrived(self, server_id: str) -> bool:
        with self._simulation.operation("has_arrived"):
            record = self._simulation.read("domains", server_id)
            return record is not None and record["power_state"] in ON

    def settle_arrival(self, server_id: str, *, runs: bool) -> None:
        with self._simulation.operation("settle_arrival"):
            record = self._simulation.read("domains", server_id)
            if record is not None and runs and record.get("reason") == "migration":
                self._simulation.write("domains", server_id, _awake(record))

    def _copy_memory(self, server_id: str, total: int, progress: OnProgress, stop: Event) -> None:
        plan = self._simulation.plan
        seconds = plan.delays_s.get("migrate_memory", 0.0) if plan is not None else 0.0
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            done = int(total * passed / seconds)
            progress(Progress(memory_total=total, memory_processed=done, memory_remaining=total - done))
            if stop.wait(_TICK_S):
                raise Stopped("The migration was stopped.", details=server_id)
            if (self._simulation.read("domains", server_id) or {}).get("forced"):
                break
        progress(Progress(memory_total=total, memory_processed=total))

    def _far(self, peer: Peer) -> Simulation:
        return Simulation({"state_dir": self._simulation.directory.parent, "host": peer.host})


def _awake(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "power_state": PowerState.RUNNING, "reason": ""}
