"""Hosts with enough RAM."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class RamFilter(Filter):
    name = "ram"
    reason = "with too little RAM"

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.ram_free >= demand.ram_mib

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"lacks {demand.ram_mib - host.ram_free} MiB of RAM"
