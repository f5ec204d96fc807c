"""Query parameters of lists: ``name=x``, ``enabled=true``, and Keystone's ``name__contains=x``."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_datetime

from apps.identity.exceptions import Invalid

_TIMES = {"lt": "lt", "lte": "lte", "gt": "gt", "gte": "gte", "eq": "exact", "neq": "exact"}
T = TypeVar("T", bound=Model)

_FALSE = frozenset(("0", "false", "no", "off", "f", "n"))
_LOOKUPS = {
    "contains": "contains",
    "icontains": "icontains",
    "startswith": "startswith",
    "istartswith": "istartswith",
    "endswith": "endswith",
    "iendswith": "iendswith",
    "iexact": "iexact",
    "exact": "exact",
}


def truth(text: str) -> bool:
    """Return what a query's word means: "0", "FALSE", "no" and the like are false (OSSA 2026-007)."""
    return text.strip().lower() not in _FALSE


def apply(
    rows: QuerySet[T], params: Mapping[str, str], *, texts: Iterable[str], booleans: Iterable[str] = ()
) -> QuerySet[T]:
    """Narrow ``rows`` by the parameters named; others mean nothing, as in Keystone."""
    conditions: dict[str, Any] = {}
    for name in texts:
        if name in params:
            value = params[name]
            conditions[name] = None if name.endswith("_id") and value in ("", "null", "None") else value
        for suffix, lookup in _LOOKUPS.items():
            if f"{name}__{suffix}" in params and not name.endswith("_id"):
                conditions[f"{name}__{lookup}"] = params[f"{name}__{suffix}"]
    for name in booleans:
        if name in params:
            conditions[name] = truth(params[name])
    return rows.filter(**conditions) if conditions else rows


def by_times(rows: QuerySet[T], name: str, conditions: Iterable[str]) -> QuerySet[T]:
    """Narrow ``rows`` by conditions like ``lt:2026-01-01T00:00:00Z`` on a column; rows without a time match none.

    Raises Invalid (400) for another operator than lt, lte, gt, gte, eq and neq, and for what is no time.
    """
    for condition in conditions:
        operator, _, text = condition.partition(":")
        moment = _moment(text)
        if operator not in _TIMES or moment is None:
            words = ", ".join(_TIMES)
            raise Invalid(field=name, reason=f"it must be one of {words}, a colon and a time like 2026-01-01T00:00:00Z")
        matching = {f"{name}__{_TIMES[operator]}": moment}
        rows = rows.filter(**{f"{name}__isnull": False})
        rows = rows.exclude(**matching) if operator == "neq" else rows.filter(**matching)
    return rows


def _moment(text: str) -> datetime | None:
    """Return a time, in UTC where it names no zone, or None."""
    try:
        found = parse_datetime(text[:64])
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)
