"""Prefers hosts with more free vCPUs: servers spread."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class VcpuWeigher(Weigher):
    name = "vcpu"
    multiplier_key = "cpu_weight_multiplier"
    of_load = True

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.vcpus_free)
