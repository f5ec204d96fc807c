"""Hosts in the zone that was asked for."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec


class AvailabilityZoneFilter(Filter):
    name = "availability_zone"
    reason = "in another availability zone"
    advice = "Ask for another availability zone, or for none."
    soft_for_forced = False
    facts_only = True

    def applies(self, spec: RequestSpec) -> bool:
        return spec.zone is not None

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return spec.zone is None or host.zone == spec.zone

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"is in zone {host.zone}, not in {spec.zone}"
