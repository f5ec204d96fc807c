"""Prefers newer hypervisors."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class HypervisorVersionWeigher(Weigher):
    name = "hypervisor_version"

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.hypervisor_version)
