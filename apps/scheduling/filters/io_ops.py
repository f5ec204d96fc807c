"""Hosts that build fewer servers at this moment than an operator allows: of all, or by an aggregate's key."""

from collections.abc import Mapping
from typing import ClassVar

from apps.scheduling.filters.base import Filter, share
from apps.scheduling.filters.limits import limit_of
from apps.scheduling.specs import HostState, RequestSpec


class IoOpsFilter(Filter):
    """``maximum`` 0 is no limit. The aggregate's key is ``max_io_ops_per_host``.

    Builds under way are counted from their runs when a host is chosen: requests of one moment may exceed it, as in
    Nova.
    """

    name = "io_ops"
    reason = "with too many builds at the moment"
    advice = "Try again in a moment."
    settings: ClassVar[Mapping[str, str]] = {"maximum": "SCHEDULER_MAX_IO_OPS_PER_HOST"}

    def __init__(self, maximum: int = 0) -> None:
        self.maximum = maximum

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        limit = limit_of(host, "max_io_ops_per_host", self.maximum)
        return not limit or host.io_ops < limit

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"builds {host.io_ops} servers, at most {limit_of(host, 'max_io_ops_per_host', self.maximum)} may be"

    def distance(self, host: HostState, spec: RequestSpec) -> float:
        return share(1, limit_of(host, "max_io_ops_per_host", self.maximum) - host.io_ops)
