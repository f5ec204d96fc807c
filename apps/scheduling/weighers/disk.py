"""Prefers hosts with more free disk: servers spread."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class DiskWeigher(Weigher):
    name = "disk"
    of_load = True

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.disk_free)
