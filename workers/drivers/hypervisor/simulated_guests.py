"""What runs in simulated servers: it pauses, is suspended, resumes, takes interrupts and is counted."""

from __future__ import annotations

from threading import Event

from workers.drivers.hypervisor.base import CardCounters, Diagnostics, DiskCounters, PowerState
from workers.drivers.hypervisor.errors import ServerNotRunning
from workers.drivers.hypervisor.guests import GuestOperations
from workers.drivers.hypervisor.simulated_records import SimulatedRecords


class SimulatedGuests(SimulatedRecords, GuestOperations):
    """The guests' part of SimulatedHypervisor."""

    def pause(self, server_id: str) -> None:
        with self._simulation.operation("pause") as operation:
            operation.halfway()
            self._freeze(server_id, PowerState.PAUSED)

    def unpause(self, server_id: str) -> None:
        with self._simulation.operation("unpause") as operation:
            operation.halfway()
            self._freeze(server_id, PowerState.RUNNING)

    def suspend(self, server_id: str, stop: Event) -> None:
        with self._simulation.operation("suspend", stop=stop) as operation:
            record = self._existing(server_id)
            if record["power_state"] != PowerState.SUSPENDED:
                operation.halfway()
                self._freeze(server_id, PowerState.SUSPENDED)

    def resume(self, server_id: str) -> None:
        with self._simulation.operation("resume") as operation:
            record = self._existing(server_id)
            if record["power_state"] not in (PowerState.RUNNING, PowerState.SUSPENDED):
                raise ServerNotRunning("The guest's saved memory is gone. Start the server.", details=server_id)
            operation.halfway()
            self._set(server_id, PowerState.RUNNING)

    def inject_nmi(self, server_id: str) -> None:
        with self._simulation.operation("inject_nmi") as operation:
            record = self._running(server_id)
            operation.halfway()
            self._simulation.write("domains", server_id, {**record, "nmis": record.get("nmis", 0) + 1})

    def diagnostics(self, server_id: str) -> Diagnostics:
        """Counters of a guest that has done nothing yet."""
        with self._simulation.operation("diagnostics"):
            record = self._running(server_id)
            return Diagnostics(
                driver="libvirt",  # the API's list of drivers has no simulated one
                hypervisor="simulated",
                cpu_times_ns=(0,) * record["vcpus"],
                memory_kib={"maximum": record["ram_mib"] * 1024},
                disks=tuple(DiskCounters(target) for target in record.get("disks", ())),
                cards=tuple(CardCounters(tap, record.get("macs", {}).get(tap, "")) for tap in record.get("cards", ())),
            )

    def _set(self, server_id: str, state: PowerState) -> None:
        record = self._simulation.read("domains", server_id)
        if record is not None and record["power_state"] != state:
            record["power_state"] = state
            self._simulation.write("domains", server_id, record)

    def _freeze(self, server_id: str, state: PowerState) -> None:
        self._running(server_id)
        self._set(server_id, state)
