"""Hosts that are not kept for other flavors (Nova's AggregateTypeAffinityFilter)."""

from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

KEY = "instance_type"


class AggregateTypesFilter(Filter):
    """An aggregate's key ``instance_type`` lists the names of the flavors whose servers its hosts take."""

    name = "aggregate_types"
    reason = "reserved for other flavors"
    advice = "Choose another flavor."
    facts_only = True

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        flavors = host.aggregate_values(KEY)
        return not flavors or spec.flavor_name in flavors

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return f"is reserved for the flavors {', '.join(sorted(host.aggregate_values(KEY)))} by its aggregate"
