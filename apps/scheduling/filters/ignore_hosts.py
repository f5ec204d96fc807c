"""Hosts that are not excluded: no attempt of this build failed there, and the request does not exclude them.

A move excludes the server's own host.
"""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec


class IgnoreHostsFilter(Filter):
    name = "ignore_hosts"
    reason = "already tried for this server, or its own"
    advice = "See the earlier error, if there is one."

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.ignore_hosts)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return host.name not in spec.ignore_hosts

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "was already tried for this server, or is its own"
