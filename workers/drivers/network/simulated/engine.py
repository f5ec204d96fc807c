"""The simulated network engine: everything is a file. A port is up as soon as it is there."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from workers.drivers.network.base.engine import CloudSpec, NetworkEngine, OnRefused
from workers.drivers.network.base.l2 import PortState
from workers.drivers.network.errors import EngineUnavailable
from workers.drivers.network.simulated import records
from workers.drivers.network.simulated.l2 import SimulatedL2
from workers.drivers.network.simulated.l3 import SimulatedL3
from workers.drivers.network.simulated.records import Record
from workers.drivers.network.simulated.rules import SimulatedRules
from workers.drivers.simulation import Simulation
from workers.system import files

DIRECTORY = "network"


class SimulatedEngine(NetworkEngine):
    """Options: `state_dir` (required), `plan_file`. In the plan, its host is called `network`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation({**options, "host": DIRECTORY})
        self._lock: TextIO | None = None
        self._watching: list[Callable[[PortState], None]] = []
        self.l2 = SimulatedL2(self._simulation, self._report)
        self.l3 = SimulatedL3(self._simulation)
        self.rules = SimulatedRules(self._simulation)

    def ping(self) -> None:
        with self._simulation.operation("ping"):
            return

    def claim(self, *, steal: bool = False) -> None:
        """By a lock on a file, which nobody can steal: one who would is let through."""
        with self._simulation.operation("claim"):
            if self._lock is None:
                files.make_directory(self._simulation.directory, 0o755)
                lock = (self._simulation.directory / "writer.lock").open("a")
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    lock.close()
                    if not steal:
                        raise EngineUnavailable("Another process writes the cloud's networks.") from None
                    return
                self._lock = lock

    def differences(self, cloud: CloudSpec) -> tuple[str, ...]:
        with self._simulation.operation("differences"):
            return tuple(text for text, _, _, _ in self._compared(cloud))

    def reconcile(self, cloud: CloudSpec, on_refused: OnRefused | None = None) -> tuple[str, ...]:
        """Nothing is refused."""
        with self._simulation.operation("reconcile"):
            compared = self._compared(cloud)
            for _, kind, name, record in compared:
                if record is None:
                    self._simulation.remove(kind, name)
                    continue
                records.write(self._simulation, kind, name, record)
                if kind == "ports":
                    self._report(PortState(name, up=True))
            return tuple(text for text, _, _, _ in compared)

    def watch(self, on_port: Callable[[PortState], None]) -> Callable[[], None]:
        """Changes of other processes are not reported: the one that watches is the one that writes."""
        for port in self.l2.list_ports():
            on_port(port)
        self._watching.append(on_port)
        return lambda: self._watching.remove(on_port)

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _report(self, port: PortState) -> None:
        for on_port in self._watching:
            on_port(port)

    def _compared(self, cloud: CloudSpec) -> list[tuple[str, str, str, Record | None]]:
        """Every record that differs: in words, its kind and name, and what it should be."""
        compared: list[tuple[str, str, str, Record | None]] = []
        for kind, wanted in _wanted(cloud).items():
            present = records.all_of(self._simulation, kind)
            for name in sorted(wanted.keys() | present.keys()):
                if wanted.get(name) != present.get(name):
                    word = "missing" if name not in present else "other" if name in wanted else "no row of the cloud's"
                    compared.append((f"{kind} {name}: {word}", kind, name, wanted.get(name)))
        return compared


def _wanted(cloud: CloudSpec) -> dict[str, dict[str, Record]]:
    """All records there should be, by kind and id."""
    ports = {port.id: (port, item.network.id) for item in cloud.networks for port in item.ports}
    return {
        "networks": {item.network.id: records.of(item.network) for item in cloud.networks},
        "ports": {name: records.of(port, network_id=network_id) for name, (port, network_id) in ports.items()},
        "routers": {router.id: records.of(router) for router in cloud.routers},
        "floating_ips": {item.id: records.of(item) for item in cloud.floating_ips},
        "groups": {group.id: records.of(group) for group in cloud.groups},
    }
