"""Hosts that are not excluded: no attempt of this build failed there, and nobody asked to leave them out."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class IgnoreHostsFilter(Filter):
    name = "ignore_hosts"
    reason = "already tried for this server"
    advice = "See the earlier error."

    def applies(self, demand: Demand) -> bool:
        return bool(demand.ignore_hosts)

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.name not in demand.ignore_hosts

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "was already tried for this server"
