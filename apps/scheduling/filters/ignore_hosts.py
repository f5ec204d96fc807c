"""Hosts that are not ruled out: a build was tried on them already, or somebody asked to leave them out."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class IgnoreHostsFilter(Filter):
    name = "ignore_hosts"
    reason = "tried before or ruled out"

    def applies(self, demand: Demand) -> bool:
        return bool(demand.ignore_hosts)

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.name not in demand.ignore_hosts

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "was tried before or is ruled out"
