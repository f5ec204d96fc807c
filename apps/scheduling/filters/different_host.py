"""Hosts without the servers that the hint ``different_host`` names."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class DifferentHostFilter(Filter):
    name = "different_host"
    reason = "with a server of the hint different_host"
    advice = "Name fewer servers in the hint different_host."

    def applies(self, demand: Demand) -> bool:
        return bool(demand.different_hosts)

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.name not in demand.different_hosts

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "has a server to keep away from"
