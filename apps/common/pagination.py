"""Marker pagination by key set: page N costs what page 1 costs."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F, Q, QuerySet

MAX_LIMIT = 1000


def _after(column: str, direction: str, value: Any) -> Q:
    """Rows that come later than ``value``; NULLs come last in both directions."""
    if value is None:
        return Q(pk__in=[])
    later = Q(**{f"{column}__{'gt' if direction == 'asc' else 'lt'}": value})
    return later | Q(**{f"{column}__isnull": True})


def page(
    queryset: QuerySet[Any], *, sort: Sequence[tuple[str, str]], marker: Any | None, limit: int, skip: int = 0
) -> tuple[list[Any], bool]:
    """Return at most ``limit`` rows after the row ``marker`` and ``skip`` more, and whether there are more.

    ``sort`` is a list of (column, "asc" or "desc"); the last column must be unique. A column that is named again sorts
    nothing and is left out: the condition of a marker grows with the square of their number.
    """
    chosen: dict[str, str] = {}
    for column, direction in sort:
        chosen.setdefault(column, direction)
    sort = list(chosen.items())
    order = [
        F(column).asc(nulls_last=True) if direction == "asc" else F(column).desc(nulls_last=True)
        for column, direction in sort
    ]
    if marker is not None:
        later, equal = Q(pk__in=[]), Q()
        for column, direction in sort:
            value = getattr(marker, column)
            later |= equal & _after(column, direction, value)
            equal &= Q(**({f"{column}__isnull": True} if value is None else {column: value}))
        queryset = queryset.filter(later)
    rows = list(queryset.order_by(*order)[skip : skip + limit + 1])
    return rows[:limit], len(rows) > limit
