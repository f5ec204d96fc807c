"""Prefers hosts with more free disk: servers spread."""

from apps.scheduling.states import Demand, HostState
from apps.scheduling.weighers.base import Weigher


class DiskWeigher(Weigher):
    name = "disk"
    of_load = True

    def weigh(self, host: HostState, demand: Demand) -> float:
        return float(host.disk_free)
