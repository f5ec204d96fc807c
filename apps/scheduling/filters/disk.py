"""Hosts with enough disk."""

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.specs import HostState, RequestSpec


class DiskFilter(Filter):
    name = "disk"
    reason = "with too little disk"
    advice = "Choose a smaller flavor, or try again later."
    soft_for_forced = False  # the claim would refuse it

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return host.disk_free >= spec.disk_gib

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"lacks {spec.disk_gib - host.disk_free} GiB of disk"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return share(spec.disk_gib, host.disk_free)
