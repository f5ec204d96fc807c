"""Prefers hosts with more free RAM: servers spread."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class RamWeigher(Weigher):
    name = "ram"
    of_load = True

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.ram_free)
