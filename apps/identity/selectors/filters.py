"""Query parameters of lists: ``name=x``, ``enabled=true``, and Keystone's ``name__contains=x``."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from apps.common import substrings
from apps.common.api import queries
from apps.identity.exceptions import Invalid

_TIMES = {"lt": "lt", "lte": "lte", "gt": "gt", "gte": "gte", "eq": "exact", "neq": "exact"}
T = TypeVar("T", bound=Model)


def _invalid(reason: str) -> queries.Refusal:
    return lambda name, value: Invalid(field=name, reason=reason.format(value=value[:64]))


# Words that do not mean false mean true (OSSA 2026-007).
STYLE = queries.QueryStyle(
    true=frozenset(),
    false=frozenset(("0", "false", "no", "off", "f", "n")),
    other_words=True,
    not_boolean=_invalid("{value} is no boolean"),
    not_time=_invalid("{value} is no time"),
    not_number=_invalid("{value} is no whole number"),
    not_limit=_invalid("{value} is not a positive whole number"),
    no_marker=_invalid("{value} is not in this list"),
    no_sort_key=_invalid("{value} is no sort key"),
    no_direction=_invalid("{value} is no direction"),
    unequal_sort=_invalid("there must be as many as sort keys"),
)
_LOOKUPS = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact", "exact")


def apply(
    rows: QuerySet[T], params: Mapping[str, str], *, texts: Iterable[str], booleans: Iterable[str] = ()
) -> QuerySet[T]:
    """Narrow ``rows`` by the parameters named; others mean nothing, as in Keystone."""
    conditions: dict[str, Any] = {}
    for name in texts:
        if name in params:
            value = params[name]
            conditions[name] = None if name.endswith("_id") and value in ("", "null", "None") else value
        for lookup in _LOOKUPS:
            if f"{name}__{lookup}" in params and not name.endswith("_id"):
                rows = rows.filter(_condition(name, lookup, params[f"{name}__{lookup}"]))
    for name in booleans:
        if name in params:
            conditions[name] = STYLE.boolean(params[name], name)
    return rows.filter(**conditions) if conditions else rows


def _condition(name: str, lookup: str, text: str) -> Any:
    ignore_case = lookup.startswith("i")
    if lookup.endswith("contains"):
        return substrings.contains(name, text, ignore_case=ignore_case)
    if lookup.endswith("endswith"):
        return substrings.ends_with(name, text, ignore_case=ignore_case)
    return Q(**{f"{name}__{lookup}": text})


def by_times(rows: QuerySet[T], name: str, conditions: Iterable[str]) -> QuerySet[T]:
    """Narrow ``rows`` by conditions like ``lt:2026-01-01T00:00:00Z`` on a column; rows without a time match none.

    Raises Invalid (400) for another operator than lt, lte, gt, gte, eq and neq, and for an invalid time.
    """
    for condition in conditions:
        operator, text = queries.operator(condition, _TIMES)
        moment = queries.moment(text)
        if not operator or moment is None:
            words = ", ".join(_TIMES)
            raise Invalid(field=name, reason=f"it must be one of {words}, a colon and a time like 2026-01-01T00:00:00Z")
        matching = {f"{name}__{_TIMES[operator]}": moment}
        rows = rows.filter(**{f"{name}__isnull": False})
        rows = rows.exclude(**matching) if operator == "neq" else rows.filter(**matching)
    return rows
