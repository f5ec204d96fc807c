"""Counts active builds: the multiplier is negative, so that busy hosts are avoided."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class IoOpsWeigher(Weigher):
    name = "io_ops"
    of_load = True

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.io_ops)
