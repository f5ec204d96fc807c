"""The simulated network engine: networks and ports that are files. A port is up as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from workers.drivers import values
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine
from workers.drivers.network.base.l2 import L2Driver, NetworkSpec, PortSpec, PortState
from workers.drivers.network.ports import check_fixed_ips
from workers.drivers.simulation import Simulation

DIRECTORY = "network"
Record = Mapping[str, Any]


def _record(spec: NetworkSpec | PortSpec, **more: str) -> Record:
    plain: Record = json.loads(json.dumps({**asdict(spec), **more}))
    return plain


class SimulatedL2(L2Driver):
    """Networks and ports as records of a simulation."""

    def __init__(self, simulation: Simulation, on_port: Callable[[PortState], None]) -> None:
        """`on_port` hears of every port that is made."""
        self._simulation, self._on_port = simulation, on_port

    def ensure_network(self, network: NetworkSpec) -> None:
        with self._simulation.operation("ensure_network") as operation:
            operation.halfway()
            self.write("networks", network.id, _record(network))

    def ensure_ports(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> None:
        for port in ports:
            check_fixed_ips(network.subnets, port.fixed_ips)
        with self._simulation.operation("ensure_ports") as operation:
            self.write("networks", network.id, _record(network))
            operation.halfway()
            for port in ports:
                if self.write("ports", port.id, _record(port, network_id=network.id)):
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
            for name, record in self.records("ports").items() if gone else ():
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

    def records(self, kind: str) -> dict[str, Record]:
        """All records of a kind, by id."""
        found = {name: self._simulation.read(kind, name) for name in self._simulation.names(kind)}
        return {name: record for name, record in found.items() if record is not None}

    def write(self, kind: str, name: str, record: Record) -> bool:
        """Write a record, if it is another than before; say whether it was."""
        if self._simulation.read(kind, name) == record:
            return False
        self._simulation.write(kind, name, record)
        return True


class SimulatedEngine(NetworkEngine):
    """Options: `state_dir` (required), `plan_file`. In the plan, its host is called `network`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation({**options, "host": DIRECTORY})
        self._watching: list[Callable[[PortState], None]] = []
        self._l2 = SimulatedL2(self._simulation, self._report)
        self.l2 = self._l2

    def ping(self) -> None:
        with self._simulation.operation("ping"):
            return

    def differences(self, cloud: CloudSpec) -> tuple[str, ...]:
        with self._simulation.operation("differences"):
            return tuple(text for text, _, _, _ in self._compared(cloud))

    def reconcile(self, cloud: CloudSpec) -> tuple[str, ...]:
        with self._simulation.operation("reconcile"):
            compared = self._compared(cloud)
            for _, kind, name, record in compared:
                if record is None:
                    self._simulation.remove(kind, name)
                    continue
                self._l2.write(kind, name, record)
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
        """Nothing is held open."""

    def _report(self, port: PortState) -> None:
        for on_port in self._watching:
            on_port(port)

    def _compared(self, cloud: CloudSpec) -> list[tuple[str, str, str, Record | None]]:
        """Every record that differs: in words, its kind and name, and what it should be."""
        wanted = {"networks": {item.network.id: _record(item.network) for item in cloud.networks}}
        wanted["ports"] = {
            port.id: _record(port, network_id=item.network.id) for item in cloud.networks for port in item.ports
        }
        compared: list[tuple[str, str, str, Record | None]] = []
        for kind, records in wanted.items():
            present = self._l2.records(kind)
            for name in sorted(records.keys() | present.keys()):
                if records.get(name) != present.get(name):
                    word = "missing" if name not in present else "other" if name in records else "no row of the cloud's"
                    compared.append((f"{kind} {name}: {word}", kind, name, records.get(name)))
        return compared
