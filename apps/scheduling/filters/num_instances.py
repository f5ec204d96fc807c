"""Hosts with fewer servers than an operator allows: of all, or by an aggregate's key ``max_instances_per_host``."""

from collections.abc import Mapping
from typing import ClassVar

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.filters.limits import limit_of
from apps.scheduling.specs import HostState, RequestSpec


class NumInstancesFilter(Filter):
    """``maximum`` 0 is no limit."""

    name = "num_instances"
    reason = "with the maximum number of servers"
    advice = "Try again later."
    limits_servers = True
    settings: ClassVar[Mapping[str, str]] = {"maximum": "SCHEDULER_MAX_INSTANCES_PER_HOST"}

    def __init__(self, maximum: int = 0) -> None:
        self.maximum = maximum

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        limit = self.most_servers(host)
        return limit is None or host.servers < limit

    def most_servers(self, host: HostState) -> int | None:
        return limit_of(host, "max_instances_per_host", self.maximum) or None

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"has {host.servers} servers, at most {self.most_servers(host)} may be"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return share(1, (self.most_servers(host) or 0) - host.servers)
