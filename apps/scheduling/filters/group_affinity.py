"""Hosts that a server group's policy allows. The soft policies are weighers."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec


class GroupAffinityFilter(Filter):
    """``affinity``: where the group's servers are, once there is one."""

    name = "group_affinity"
    reason = "without the other servers of the group"
    advice = "The group's policy is affinity, and its host is full. Use another group, or none."

    def applies(self, spec: RequestSpec) -> bool:
        return spec.group is not None

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        allowed = self.narrow(spec)
        return allowed is None or host.name in allowed

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "has none of the group's servers (affinity)"

    def narrow(self, spec: RequestSpec) -> frozenset[str] | None:
        group = spec.group
        if group is None or group.policy != "affinity":
            return None
        return frozenset(name for name, count in group.members.items() if count) or None


class GroupAntiAffinityFilter(Filter):
    """``anti-affinity``: at most ``max_server_per_host`` of the group on one host."""

    name = "group_anti_affinity"
    reason = "with the maximum number of servers of the group"
    advice = "The group's policy is anti-affinity, and there are too few hosts. Use another group or a soft policy."

    def applies(self, spec: RequestSpec) -> bool:
        return spec.group is not None

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        group = spec.group
        if group is None or group.policy != "anti-affinity":
            return True
        return group.members.get(host.name, 0) < group.max_server_per_host

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        count = spec.group.members.get(host.name, 0) if spec.group else 0
        return f"has {count} of the group's servers (anti-affinity)"
