"""Hosts with one of the servers that the hint ``same_host`` names."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec


class SameHostFilter(Filter):
    name = "same_host"
    reason = "without a server of the hint same_host"
    advice = "Leave out the hint same_host, or name servers whose hosts have room."

    def applies(self, spec: RequestSpec) -> bool:
        return spec.same_hosts is not None

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        return spec.same_hosts is None or host.name in spec.same_hosts

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "has none of the servers to be with"

    def narrow(self, spec: RequestSpec) -> frozenset[str] | None:
        return spec.same_hosts
