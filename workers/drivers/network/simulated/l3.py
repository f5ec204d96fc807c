"""Simulated routers and floating IPs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.drivers import values
from workers.drivers.network.base.l3 import FloatingIPSpec, L3Driver, RouterSpec
from workers.drivers.network.errors import EngineUnavailable
from workers.drivers.network.simulated import records
from workers.drivers.simulation import Simulation


class SimulatedL3(L3Driver):
    """Routers and floating IPs as records of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def ensure_router(self, router: RouterSpec) -> None:
        with self._simulation.operation("ensure_router") as operation:
            self._require("networks", {interface.network_id for interface in router.all_interfaces})
            operation.halfway()
            records.write(self._simulation, "routers", router.id, records.of(router))

    def remove_routers(self, router_ids: Iterable[str]) -> None:
        gone = set(router_ids)
        for router_id in gone:
            values.check_uuid(router_id, "a router's id")
        with self._simulation.operation("remove_routers") as operation:
            for name, record in records.all_of(self._simulation, "floating_ips").items() if gone else ():
                if record["router_id"] in gone:
                    self._simulation.remove("floating_ips", name)
            operation.halfway()
            for router_id in gone:
                self._simulation.remove("routers", router_id)

    def list_routers(self) -> frozenset[str]:
        with self._simulation.operation("list_routers"):
            return frozenset(self._simulation.names("routers"))

    def ensure_floating_ips(self, floating_ips: Sequence[FloatingIPSpec]) -> None:
        with self._simulation.operation("ensure_floating_ips") as operation:
            self._require("routers", {item.router_id for item in floating_ips})
            operation.halfway()
            for item in floating_ips:
                records.write(self._simulation, "floating_ips", item.id, records.of(item))

    def remove_floating_ips(self, floating_ip_ids: Iterable[str]) -> None:
        with self._simulation.operation("remove_floating_ips") as operation:
            operation.halfway()
            for floating_ip_id in floating_ip_ids:
                values.check_uuid(floating_ip_id, "a floating IP's id")
                self._simulation.remove("floating_ips", floating_ip_id)

    def list_floating_ips(self) -> frozenset[str]:
        with self._simulation.operation("list_floating_ips"):
            return frozenset(self._simulation.names("floating_ips"))

    def _require(self, kind: str, names: set[str]) -> None:
        missing = sorted(name for name in names if self._simulation.read(kind, name) is None)
        if missing:
            raise EngineUnavailable("The cloud's network engine is busy.", details=f"no {kind}: {', '.join(missing)}")
