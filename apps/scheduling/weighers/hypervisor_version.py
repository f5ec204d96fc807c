"""Prefers newer hypervisors."""

from apps.scheduling.states import Demand, HostState
from apps.scheduling.weighers.base import Weigher


class HypervisorVersionWeigher(Weigher):
    name = "hypervisor_version"

    def weigh(self, host: HostState, demand: Demand) -> float:
        return float(host.hypervisor_version)
