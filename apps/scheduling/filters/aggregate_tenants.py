"""Hosts that are not kept for other projects (Nova's AggregateMultiTenancyIsolation)."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

KEY = "filter_tenant_id"


class AggregateTenantsFilter(Filter):
    """An aggregate's keys that begin with ``filter_tenant_id`` list the projects whose servers its hosts take.

    Those projects may use other hosts as well.
    """

    name = "aggregate_tenants"
    reason = "reserved for other projects"
    advice = "Ask your operator for capacity: the free hosts are reserved for other projects."
    facts_only = True

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        projects = {
            word
            for aggregate in host.aggregates
            for key, words in aggregate.words.items()
            if key.startswith(KEY)
            for word in words
        }
        return not projects or spec.project_id in projects

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "is reserved for other projects by its aggregate"
