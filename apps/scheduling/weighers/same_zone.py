"""Prefers the zones that the server would rather be in: those of its group's other servers."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class SameZoneWeigher(Weigher):
    name = "same_zone"

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.near_zones)

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.zone in spec.near_zones)
