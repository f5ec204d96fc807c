"""Prefers the hosts that have the server's volumes: from another one, they are used over the network."""

from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher


class VolumeHostWeigher(Weigher):
    name = "volume_host"

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.near_hosts)

    def weigh(self, host: HostState, spec: RequestSpec) -> float:
        return float(host.name in spec.near_hosts)
