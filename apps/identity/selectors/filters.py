"""Query parameters of lists: ``name=x``, ``enabled=true``, and Keystone's ``name__contains=x``."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

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
