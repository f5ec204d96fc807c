"""The soft policies of server groups: together or apart if possible."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class SoftAffinityWeigher(Weigher):
    """``soft-affinity``: prefers the hosts with most of the group's servers."""

    name = "soft_affinity"

    def applies(self, spec: RequestSpec) -> bool:
        return spec.group is not None

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        group = spec.group
        return float(group.members.get(host.name, 0)) if group and group.policy == "soft-affinity" else 0.0


class SoftAntiAffinityWeigher(Weigher):
    """``soft-anti-affinity``: prefers the hosts with fewest of the group's servers."""

    name = "soft_anti_affinity"

    def applies(self, spec: RequestSpec) -> bool:
        return spec.group is not None

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        group = spec.group
        return -float(group.members.get(host.name, 0)) if group and group.policy == "soft-anti-affinity" else 0.0
