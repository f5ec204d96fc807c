"""Hosts that satisfy the hint ``query``: Nova's JSON language, as ``[">=", "$free_ram_mb", 1024]``."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from apps.scheduling.filters import variables
from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class JsonQueryFilter(Filter):
    """Operators ``= < > <= >= in not or and``. A query that cannot be parsed or compared matches no host."""

    name = "json_query"
    reason = "that do not satisfy the query"
    advice = "Change the hint query."

    def applies(self, spec: RequestSpec) -> bool:
        return bool(spec.query)

    def passes(self, host: HostState, spec: RequestSpec) -> bool:
        if not spec.query:
            return True
        try:
            answer = _answer(spec.query, host)
        except (TypeError, ValueError, RecursionError):
            return False
        return any(answer) if isinstance(answer, list) else bool(answer)

    def shortfall(self, host: HostState, spec: RequestSpec) -> str:
        return "does not satisfy the query"


def asked_by(query: Sequence[Any]) -> list[str]:
    """Return the names of the variables in a query, as often as they are there, however deep."""
    names: list[str] = []
    left: list[Any] = list(query)
    while left:  # without recursion: nesting is the caller's to choose
        item = left.pop()
        if isinstance(item, list):
            left += item
        elif isinstance(item, str) and item.startswith("$"):
            names.append(item[1:])
    return names


def _answer(query: Sequence[Any], host: HostState) -> Any:
    """Raises ValueError for an operator that is not known."""
    if not query:
        return True
    name, *rest = query
    given = [_value(operand, host) for operand in rest]
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


def _value(item: Any, host: HostState) -> Any:
    if isinstance(item, list):
        return _answer(item, host)
    if isinstance(item, str) and item.startswith("$"):
        known = variables.EVERY.get(item[1:])
        return known(host) if known else None
    return item
