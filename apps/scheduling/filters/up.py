"""Hosts whose agent is alive and that nobody disabled."""

from apps.scheduling.filters.base import OTHER_KIND, Filter
from apps.scheduling.states import Demand, HostState


class UpFilter(Filter):
    name = "up"
    reason = "down or disabled"
    advice = "Try again later."
    soft_for_forced = False

    def passes(self, host: HostState, demand: Demand) -> bool:
        return host.up and host.enabled

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "is disabled" if host.up else "is down"

    def lack(self, host: HostState, demand: Demand) -> float:
        return OTHER_KIND / 2 if host.up else OTHER_KIND
