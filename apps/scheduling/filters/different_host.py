"""Hosts without the servers that the hint ``different_host`` names."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec


class DifferentHostFilter(Filter):
    name = "different_host"
    reason = "with a server of the hint different_host"
    advice = "Name fewer servers in the hint different_host."

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.different_hosts)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return host.name not in spec.different_hosts

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "has a server to keep away from"
