"""Prefers hosts with more free RAM: servers spread."""

from apps.scheduling.states import Demand, HostState
from apps.scheduling.weighers.base import Weigher


class RamWeigher(Weigher):
    name = "ram"
    of_load = True

    def weigh(self, host: HostState, demand: Demand) -> float:
        return float(host.ram_free)
