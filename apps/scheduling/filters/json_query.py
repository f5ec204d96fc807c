"""Hosts that satisfy the hint ``query``: Nova's JSON language, as ``[">=", "$free_ram_mb", 1024]``."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
# What $name stands for, under Nova's names (nova/scheduler/host_manager.py, HostState).
VARIABLES: dict[str, Callable[[HostState], Any]] = {
    "free_ram_mb": lambda host: host.ram_free,
    "free_disk_mb": lambda host: host.disk_free * 1024,
    "total_usable_ram_mb": lambda host: host.ram_total,
    "total_usable_disk_gb": lambda host: host.disk_total,
    "vcpus_total": lambda host: host.vcpus_total,
    "vcpus_used": lambda host: host.vcpus_total - host.vcpus_free,
    "num_instances": lambda host: host.servers,
    "num_io_ops": lambda host: host.io_ops,
    "failed_builds": lambda host: host.failed_builds,
    "host": lambda host: host.name,
    "nodename": lambda host: host.name,
    "hypervisor_hostname": lambda host: host.name,
    "hypervisor_type": lambda host: host.hypervisor_type,
    "hypervisor_version": lambda host: host.hypervisor_version,
}


class JsonQueryFilter(Filter):
    """Operators ``= < > <= >= in not or and``. What cannot be understood or compared satisfies no host."""

    name = "json_query"
    reason = "that do not satisfy the query"
    advice = "Change the hint query."

    def applies(self, demand: Demand) -> bool:
        return bool(demand.query)

    def passes(self, host: HostState, demand: Demand) -> bool:
        if not demand.query:
            return True
        try:
            found = _answer(demand.query, host)
        except (TypeError, ValueError, RecursionError):
            return False
        return any(found) if isinstance(found, list) else bool(found)

    def shortfall(self, host: HostState, demand: Demand) -> str:
        return "does not satisfy the query"


def _answer(query: Sequence[Any], host: HostState) -> Any:
    """Raises ValueError for an operator that is not known."""
    if not query:
        return True
    name, *rest = query
    given = [_value(one, host) for one in rest]
    values = [value for value in given if value is not None]
    if name == "not":
        return [not value for value in values]
    if name == "or":
        return any(values)
    if name == "and":
        return all(values)
    if name == "in":
        return len(values) > 1 and values[0] in values[1:]
    if not isinstance(name, str) or name not in _COMPARISONS:
        raise ValueError(name)
    return len(values) > 1 and all(_COMPARISONS[name](values[0], value) for value in values[1:])


def _value(one: Any, host: HostState) -> Any:
    if isinstance(one, list):
        return _answer(one, host)
    if isinstance(one, str) and one.startswith("$"):
        known = VARIABLES.get(one[1:])
        return known(host) if known else None
    return one
