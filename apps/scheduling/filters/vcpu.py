"""Hosts with enough vCPUs."""

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.specs import HostState, RequestSpec


class VcpuFilter(Filter):
    name = "vcpu"
    reason = "with too few vCPUs"
    advice = "Choose a smaller flavor, or try again later."
    soft_for_forced = False  # the claim would refuse it

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return host.vcpus_free >= spec.vcpus

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"lacks {spec.vcpus - host.vcpus_free} vCPUs"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return share(spec.vcpus, host.vcpus_free)
