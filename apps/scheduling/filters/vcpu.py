"""Hosts with enough vCPUs."""

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.states import Demand, HostState


class VcpuFilter(Filter):
    name = "vcpu"
    reason = "with too few vCPUs"
    advice = "Choose a smaller flavor, or try again later."
    soft_for_forced = False  # the claim would refuse it

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.vcpus_free >= demand.vcpus

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"lacks {demand.vcpus - host.vcpus_free} vCPUs"

    def lack(self, host: HostState, demand: Demand) -> float:
        return share(demand.vcpus, host.vcpus_free)
