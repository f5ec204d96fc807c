"""Hosts whose agent is alive and that are not disabled."""

from apps.scheduling.filters.base import OTHER_KIND, Filter
from apps.scheduling.specs import HostState, RequestSpec


class UpFilter(Filter):
    name = "up"
    reason = "down or disabled"
    advice = "Try again later."
    soft_for_forced = False

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return host.up and host.enabled

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "is disabled" if host.up else "is down"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return OTHER_KIND / 2 if host.up else OTHER_KIND
