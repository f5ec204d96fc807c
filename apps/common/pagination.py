"""Marker pagination by key set: page N costs what page 1 costs."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from apps.common.exceptions import BadRequest

MAX_LIMIT = 1000


def limit_of(params: Mapping[str, str], *, maximum: int = MAX_LIMIT, zero: int | None = None) -> int:
    """Return the page size asked for, at most ``maximum``. ``zero`` is what 0 means; None: the maximum.

    Raises BadRequest when it is no whole number >= 0.
    """
    text = params.get("limit")
    if text is None or text == "":
        return maximum
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f"Invalid input for query parameters limit. Value: {text[:64]}. It must be an integer >= 0.")
    value = int(text[:12])
    if value == 0:
        return maximum if zero is None else zero
    return min(value, maximum)


def _after(column: str, direction: str, value: Any) -> Q:
    """Rows that come later than ``value``; NULLs come last in both directions."""
    if value is None:
        return Q(pk__in=[])
    later = Q(**{f"{column}__{'gt' if direction == 'asc' else 'lt'}": value})
    return later | Q(**{f"{column}__isnull": True})


def page(
    queryset: QuerySet[Any], *, sort: Sequence[tuple[str, str]], marker: Any | None, limit: int
) -> tuple[list[Any], bool]:
    """Return at most ``limit`` rows after the row ``marker``, and whether there are more.

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
    rows = list(queryset.order_by(*order)[: limit + 1])
    return rows[:limit], len(rows) > limit


def next_link(request: HttpRequest, *, marker: str, limit: int | None = None) -> list[dict[str, str]]:
    """Return the ``*_links`` list that points behind ``marker``, with the request's other parameters kept."""
    pairs = [(k, v) for k, values in request.GET.lists() for v in values if k not in ("marker", "limit")]
    pairs += [("limit", str(limit))] if limit else [("limit", v) for v in request.GET.getlist("limit")[:1]]
    pairs.append(("marker", marker))
    return [{"rel": "next", "href": f"{request.build_absolute_uri(request.path)}?{urlencode(pairs)}"}]
