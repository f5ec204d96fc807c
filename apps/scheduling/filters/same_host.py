"""Hosts with one of the servers that the hint ``same_host`` names."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class SameHostFilter(Filter):
    name = "same_host"
    reason = "without a server of the hint same_host"
    advice = "Leave out the hint same_host, or name servers whose hosts have room."

    def applies(self, demand: Demand) -> bool:
        return demand.same_hosts is not None

    def passes(self, host: HostState, demand: Demand) -> bool:
        return demand.same_hosts is None or host.name in demand.same_hosts

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "has none of the servers to be with"

    def narrow(self, demand: Demand) -> frozenset[str] | None:
        return demand.same_hosts
