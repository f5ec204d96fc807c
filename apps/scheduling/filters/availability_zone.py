"""Hosts in the zone that was asked for."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState


class AvailabilityZoneFilter(Filter):
    name = "availability_zone"
    reason = "in another availability zone"
    advice = "Ask for another availability zone, or for none."
    soft_for_forced = False
    facts_only = True

    def applies(self, demand: Demand) -> bool:
        return demand.zone is not None

    def passes(self, host: HostState, demand: Demand) -> bool:
        return demand.zone is None or host.zone == demand.zone

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return f"is in zone {host.zone}, not in {demand.zone}"
