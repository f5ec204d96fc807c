"""The simulated network: networks and ports that are files."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping, Sequence
from typing import Any

from workers.drivers import values
from workers.drivers.network.base import (
    Capabilities,
    Lease,
    NetworkDriver,
    NetworkSpec,
    PluggedPort,
    PortSpec,
)
from workers.drivers.network.errors import AddressOverlap
from workers.drivers.network.ports import check_port, served_address
from workers.drivers.simulation import Simulation

_LEASE_TIME_S = 86400


class SimulatedNetwork(NetworkDriver):
    """Options: `state_dir` and `host` (required), `plan_file`, `overlapping_ranges` (True; False refuses them, as the
    Linux driver does).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation(options)
        overlapping = bool(options.get("overlapping_ranges", True))
        self.capabilities = Capabilities(dhcp=True, nat=True, overlapping_ranges=overlapping, real_packets=False)

    def ensure_network(self, spec: NetworkSpec) -> None:
        with self._simulation.operation("ensure_network") as operation:
            self._ensure(spec)
            operation.halfway()

    def plug(self, network: NetworkSpec, port: PortSpec) -> None:
        check_port(network, port)
        with self._simulation.operation("plug") as operation:
            self._ensure(network)
            operation.halfway()
            record = {
                "network_id": network.id,
                "tap": port.tap,
                "mac": port.mac,
                "ips": [fixed.ip for fixed in port.fixed_ips],
                "served": served_address(network, port),
                "hostname": port.hostname,
            }
            if self._simulation.read("ports", port.id) != record:
                self._simulation.write("ports", port.id, record)

    def unplug(self, network_id: str, port_id: str) -> None:
        values.check_uuid(port_id, "a port's id")
        with self._simulation.operation("unplug") as operation:
            operation.halfway()
            self._simulation.remove("ports", port_id)

    def remove_network(self, network_id: str) -> None:
        values.check_uuid(network_id, "a network's id")
        with self._simulation.operation("remove_network") as operation:
            for port in self._ports():
                if port.network_id == network_id:
                    self._simulation.remove("ports", port.id)
            operation.halfway()
            self._simulation.remove("networks", network_id)

    def list_networks(self) -> tuple[str, ...]:
        with self._simulation.operation("list_networks"):
            return self._simulation.names("networks")

    def list_ports(self) -> tuple[PluggedPort, ...]:
        with self._simulation.operation("list_ports"):
            return self._ports()

    def faults(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> tuple[str, ...]:
        """A simulated network has no bridge or daemon to miss; a port's entry is `served`."""
        with self._simulation.operation("faults"):
            if self._simulation.read("networks", network.id) is None:
                return (f"the bridge {network.bridge} is missing",)
            records = [(port, self._simulation.read("ports", port.id)) for port in ports]
            return tuple(
                f"port {port.id} has no DHCP entry"
                for port, record in records
                if record is not None and record["served"] != served_address(network, port)
            )

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """Ports whose network does not exist."""
        with self._simulation.operation("residue"):
            known = set(self._simulation.names("networks"))
            strays = [port for port in self._ports() if port.network_id not in known]
            for port in strays if remove else ():
                self._simulation.remove("ports", port.id)
            return tuple(f"tap {port.tap}" for port in strays)

    def wait_until_up(self, port_ids: Sequence[str], timeout_s: float) -> None:
        with self._simulation.operation("wait_until_up"):
            return

    def lease(self, network_id: str, port_id: str) -> Lease | None:
        """A simulated guest asks as soon as its port is plugged."""
        with self._simulation.operation("lease"):
            record = self._simulation.read("ports", port_id)
            if record is None or record["network_id"] != network_id or record["served"] is None:
                return None
            expires_at = int(time.time()) + _LEASE_TIME_S
            return Lease(port_id, record["mac"], record["served"], record["hostname"] or None, expires_at)

    def close(self) -> None:
        """Nothing is held open."""

    def _ports(self) -> tuple[PluggedPort, ...]:
        records = ((name, self._simulation.read("ports", name)) for name in self._simulation.names("ports"))
        return tuple(
            PluggedPort(name, record["network_id"], record["tap"], record["mac"], tuple(record["ips"]))
            for name, record in records
            if record is not None
        )

    def _ensure(self, spec: NetworkSpec) -> None:
        record = {"bridge": spec.bridge, "mtu": spec.mtu, "ranges": [subnet.cidr for subnet in spec.subnets]}
        if self._simulation.read("networks", spec.id) == record:
            return
        if not self.capabilities.overlapping_ranges:
            self._refuse_overlap(spec)
        self._simulation.write("networks", spec.id, record)

    def _refuse_overlap(self, spec: NetworkSpec) -> None:
        wanted = [ipaddress.ip_network(subnet.cidr) for subnet in spec.subnets if subnet.version == 4]
        for network_id in self._simulation.names("networks"):
            record = self._simulation.read("networks", network_id) or {"ranges": []}
            for text in record["ranges"] if network_id != spec.id else ():
                taken = ipaddress.ip_network(text)
                if any(network.overlaps(taken) for network in wanted if network.version == taken.version):
                    raise AddressOverlap(
                        "The network's range overlaps with another subnet on this cloud. Use another range.",
                        details=f"network {network_id}: {taken}",
                    )
