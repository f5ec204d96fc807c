"""Hosts with enough disk."""

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.states import Demand, HostState


class DiskFilter(Filter):
    name = "disk"
    reason = "with too little disk"
    advice = "Choose a smaller flavor, or try again later."
    soft_for_forced = False  # the claim would refuse it

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.disk_free >= demand.disk_gib

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"lacks {demand.disk_gib - host.disk_free} GiB of disk"

    def lack(self, host: HostState, demand: Demand) -> float:
        return share(demand.disk_gib, host.disk_free)
