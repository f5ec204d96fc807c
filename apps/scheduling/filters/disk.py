"""Hosts with enough disk."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class DiskFilter(Filter):
    name = "disk"
    reason = "with too little disk"

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.disk_free >= demand.disk_gib

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"lacks {demand.disk_gib - host.disk_free} GiB of disk"
