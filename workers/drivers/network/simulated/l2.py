"""Simulated switched networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from workers.drivers import values
from workers.drivers.network.base.l2 import L2Driver, NetworkSpec, PortSpec, PortState
from workers.drivers.network.ports import check_fixed_ips
from workers.drivers.network.simulated import records
from workers.drivers.simulation import Simulation


class SimulatedL2(L2Driver):
    """Networks and ports as records of a simulation."""

    def __init__(self, simulation: Simulation, on_port: Callable[[PortState], None]) -> None:
        """`on_port` hears of every port that is made."""
        self._simulation, self._on_port = simulation, on_port

    def ensure_network(self, network: NetworkSpec) -> None:
        with self._simulation.operation("ensure_network") as operation:
            operation.halfway()
            records.write(self._simulation, "networks", network.id, records.of(network))

    def ensure_ports(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> None:
        for port in ports:
            check_fixed_ips(network.subnets, port.fixed_ips)
        with self._simulation.operation("ensure_ports") as operation:
            records.write(self._simulation, "networks", network.id, records.of(network))
            operation.halfway()
            for port in ports:
                if records.write(self._simulation, "ports", port.id, records.of(port, network_id=network.id)):
                    self._on_port(PortState(port.id, up=True))

    def remove_ports(self, port_ids: Iterable[str]) -> None:
        with self._simulation.operation("remove_ports") as operation:
            operation.halfway()
            for port_id in port_ids:
                values.check_uuid(port_id, "a port's id")
                self._simulation.remove("ports", port_id)

    def remove_networks(self, network_ids: Iterable[str]) -> None:
        gone = set(network_ids)
        for network_id in gone:
            values.check_uuid(network_id, "a network's id")
        with self._simulation.operation("remove_networks") as operation:
            for name, record in records.all_of(self._simulation, "ports").items() if gone else ():
                if record["network_id"] in gone:
                    self._simulation.remove("ports", name)
            operation.halfway()
            for network_id in gone:
                self._simulation.remove("networks", network_id)

    def list_networks(self) -> frozenset[str]:
        with self._simulation.operation("list_networks"):
            return frozenset(self._simulation.names("networks"))

    def list_ports(self) -> tuple[PortState, ...]:
        with self._simulation.operation("list_ports"):
            return tuple(PortState(name, up=True) for name in self._simulation.names("ports"))

    def port_states(self, port_ids: Iterable[str]) -> tuple[PortState, ...]:
        with self._simulation.operation("port_states"):
            present = [name for name in sorted(set(port_ids)) if self._simulation.read("ports", name) is not None]
            return tuple(PortState(name, up=True) for name in present)
