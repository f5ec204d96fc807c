"""Hosts with enough RAM."""

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.states import Demand, HostState


class RamFilter(Filter):
    name = "ram"
    reason = "with too little RAM"
    advice = "Choose a smaller flavor, or try again later."
    soft_for_forced = False  # the claim would refuse it

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.ram_free >= demand.ram_mib

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"lacks {demand.ram_mib - host.ram_free} MiB of RAM"

    def lack(self, host: HostState, demand: Demand) -> float:
        return share(demand.ram_mib, host.ram_free)
