"""Simulated security groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.drivers import values
from workers.drivers.network.base.rules import GroupSpec, RulesDriver
from workers.drivers.network.simulated import records
from workers.drivers.simulation import Simulation


class SimulatedRules(RulesDriver):
    """Groups as records of a simulation; no packet is dropped."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def ensure_groups(self, groups: Sequence[GroupSpec]) -> None:
        with self._simulation.operation("ensure_groups") as operation:
            operation.halfway()
            for group in groups:
                records.write(self._simulation, "groups", group.id, records.of(group))

    def remove_groups(self, group_ids: Iterable[str]) -> None:
        with self._simulation.operation("remove_groups") as operation:
            operation.halfway()
            for group_id in group_ids:
                values.check_uuid(group_id, "a group's id")
                self._simulation.remove("groups", group_id)

    def list_groups(self) -> frozenset[str]:
        with self._simulation.operation("list_groups"):
            return frozenset(self._simulation.names("groups"))

    def flows(self, group: GroupSpec, members: int) -> int:
        return len(group.rules) * members
