"""Hosts whose agent is alive and that nobody disabled."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class UpFilter(Filter):
    name = "up"
    reason = "down or disabled"
    soft_for_forced = False

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.up and host.enabled

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "is disabled" if host.up else "is down"
