"""Hosts with enough vCPUs."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class VcpuFilter(Filter):
    name = "vcpu"
    reason = "with too few vCPUs"

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.vcpus_free >= demand.vcpus

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"lacks {demand.vcpus - host.vcpus_free} vCPUs"
