"""Prefers the zones that the server would rather be in: those of its group's other servers."""

from apps.scheduling.states import Demand, HostState
from apps.scheduling.weighers.base import Weigher


class SameZoneWeigher(Weigher):
    name = "same_zone"

    def applies(self, demand: Demand) -> bool:
        return bool(demand.near_zones)

    def weigh(self, host: HostState, demand: Demand) -> float:
        return float(host.zone in demand.near_zones)
