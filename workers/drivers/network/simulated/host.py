"""A simulated host: its plugged ports are files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workers.drivers import values
from workers.drivers.network.base import Capabilities, NetworkDriver, PluggedPort, PortSpec
from workers.drivers.simulation import Simulation


class SimulatedNetwork(NetworkDriver):
    """Options: `state_dir` and `host` (required), `plan_file`. The simulated hypervisor plugs nothing: `plug` does."""

    capabilities = Capabilities(hypervisor_plugs=False)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation(options)

    def plug(self, port: PortSpec) -> None:
        with self._simulation.operation("plug") as operation:
            operation.halfway()
            record = {"tap": port.tap, "mac": port.mac}
            if self._simulation.read("ports", port.id) != record:
                self._simulation.write("ports", port.id, record)

    def unplug(self, port_id: str) -> None:
        values.check_uuid(port_id, "a port's id")
        with self._simulation.operation("unplug") as operation:
            operation.halfway()
            self._simulation.remove("ports", port_id)

    def list_ports(self) -> tuple[PluggedPort, ...]:
        with self._simulation.operation("list_ports"):
            records = ((name, self._simulation.read("ports", name)) for name in self._simulation.names("ports"))
            return tuple(PluggedPort(name, record["tap"], record["mac"]) for name, record in records if record)

    def faults(self, ports: Sequence[PortSpec]) -> dict[str, str]:
        with self._simulation.operation("faults"):
            plugged = self._simulation.names("ports")
            return {port.id: "not plugged" for port in ports if port.id not in plugged}

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """A port is one file: nothing is left of it by halves."""
        with self._simulation.operation("residue"):
            return ()

    def admit_routers(self, ports: Sequence[PortSpec]) -> None:
        """Simulated guests hear nothing."""

    def wait_until_up(self, ports: Mapping[str, Sequence[str]], timeout_s: float) -> None:
        with self._simulation.operation("wait_until_up"):
            return

    def close(self) -> None:
        """Nothing is held open."""
