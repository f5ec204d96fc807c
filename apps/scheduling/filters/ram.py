"""Hosts with enough RAM."""

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.specs import HostState, RequestSpec


class RamFilter(Filter):
    name = "ram"
    reason = "with too little RAM"
    advice = "Choose a smaller flavor, or try again later."
    soft_for_forced = False  # the claim would refuse it

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return host.ram_free >= spec.ram_mib

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"lacks {spec.ram_mib - host.ram_free} MiB of RAM"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return share(spec.ram_mib, host.ram_free)
