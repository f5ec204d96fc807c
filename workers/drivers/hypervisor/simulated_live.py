"""The live part of the simulated hypervisor. A guest has an agent if its server was made to have one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.drivers.hypervisor.errors import (
    AgentUnavailable,
    CopyFailed,
    QuiesceFailed,
)
from workers.drivers.hypervisor.live import CopyProgress, LiveOperations, Quiesce
from workers.drivers.hypervisor.simulated_records import ON, SimulatedRecords


class SimulatedLive(SimulatedRecords, LiveOperations):
    """A part of SimulatedHypervisor."""

    def copy_disk(
        self, server_id: str, source: str, path: str, quiesce: Quiesce, progress: CopyProgress | None = None
    ) -> None:
        """The file stays as it is: a simulated disk has no data."""
        with self._simulation.operation("copy_disk") as operation:
            record = self._running(server_id)
            if source not in record.get("disks", {}).values():
                raise CopyFailed("The server does not run from its root disk.", details=source)
            if not Path(path).is_file():
                raise CopyFailed("The hypervisor could not copy the server's disk.", details=f"no file {path}")
            if progress is not None:
                progress(0, 1)
            operation.halfway()
            if (self._simulation.read("domains", server_id) or record)["power_state"] not in ON:
                raise CopyFailed("The hypervisor could not copy the server's disk.", details="the guest is off")
            if quiesce == "required" and not self._has_agent(record):
                raise QuiesceFailed("The agent in the server did not freeze its file systems.", details=server_id)
            if progress is not None:
                progress(1, 1)

    def while_quiet(self, server_id: str, quiesce: Quiesce, work: Callable[[], object]) -> None:
        with self._simulation.operation("while_quiet") as operation:
            record = self._running(server_id)
            operation.halfway()
            if quiesce == "required" and not self._has_agent(record):
                raise QuiesceFailed("The agent in the server did not freeze its file systems.", details=server_id)
            work()

    def end_copy(self, server_id: str) -> None:
        with self._simulation.operation("end_copy") as operation:
            operation.halfway()
            record = self._simulation.read("domains", server_id)
            if record is not None and record.pop("copied", None):
                self._simulation.write("domains", server_id, record)

    def copied(self) -> tuple[str, ...]:
        with self._simulation.operation("copied"):
            records = {name: self._simulation.read("domains", name) for name in self._simulation.names("domains")}
            return tuple(name for name, it in records.items() if it and it.get("copied") and it["power_state"] in ON)

    def freeze(self, server_id: str) -> bool:
        """Whether it is frozen is in its record."""
        with self._simulation.operation("freeze") as operation:
            record = self._simulation.read("domains", server_id)
            if record is None or not self._has_agent(record) or record.get("frozen"):
                return False  # an agent that has frozen answers nothing but a thaw
            operation.halfway()
            self._simulation.write("domains", server_id, {**record, "frozen": True})
            return True

    def thaw(self, server_id: str) -> None:
        with self._simulation.operation("thaw"):
            record = self._simulation.read("domains", server_id)
            if record is not None and record.pop("frozen", False):
                self._simulation.write("domains", server_id, record)

    def agent_answers(self, server_id: str) -> bool:
        with self._simulation.operation("agent_answers"):
            record = self._simulation.read("domains", server_id)
            return record is not None and self._has_agent(record)

    def set_password(self, server_id: str, user: str, password: str) -> None:
        """The password is not kept; how often one was set is."""
        with self._simulation.operation("set_password") as operation:
            record = self._running(server_id)
            if not self._has_agent(record):
                raise AgentUnavailable("The agent in the server does not answer.", details=server_id)
            operation.halfway()
            self._simulation.write("domains", server_id, {**record, "passwords": record.get("passwords", 0) + 1})

    @staticmethod
    def _has_agent(record: dict[str, Any]) -> bool:
        return record["power_state"] == "running" and bool(record.get("agent"))
