"""Puts hosts where builds failed lately behind all others, until one succeeds there."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class BuildFailureWeigher(Weigher):
    name = "build_failure"

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return -float(host.failed_builds)
