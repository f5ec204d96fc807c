"""How much of a list one answer holds: no more than the settings say, read no further than one row beyond."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from apps.common import pagination
from apps.identity.exceptions import Invalid


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, whether there are more of them, and whether it was the settings' limit, not the caller's, that cut."""

    rows: list[Any]
    more: bool
    truncated: bool


def cut(rows: Iterable[Any]) -> tuple[list[Any], bool]:
    """Return as many rows as one answer may hold, and whether there are more."""
    limit = settings.IDENTITY_LIST_LIMIT
    found = list(rows[: limit + 1] if isinstance(rows, QuerySet) else islice(rows, limit + 1))
    return found[:limit], len(found) > limit


def read(rows: QuerySet[Any], params: Mapping[str, str]) -> Page:
    """Return the page that ``limit`` and ``marker`` (the id of the last row of the page before) ask for.

    Rows keep their order; their ids decide between equals. 1 query, 2 with a marker. Raises Invalid (400) for a limit
    that is no positive whole number, and for a marker that is not among the rows.
    """
    asked, limit = _limit(params), settings.IDENTITY_LIST_LIMIT
    marker = None
    if "marker" in params:
        marker = rows.filter(pk=params["marker"]).first()
        if marker is None:
            raise Invalid(field="marker", reason=f"{params['marker'][:64]} is not in this list")
    size = limit if asked is None else min(asked, limit)
    found, more = pagination.page(rows, sort=_sort(rows), marker=marker, limit=size)
    return Page(rows=found, more=more, truncated=more and (asked is None or asked > limit))


def _limit(params: Mapping[str, str]) -> int | None:
    text = params.get("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise Invalid(field="limit", reason=f"{text[:64]} is not a positive whole number")
    return int(text) if len(text) <= 12 else settings.IDENTITY_LIST_LIMIT + 1


def _sort(rows: QuerySet[Any]) -> list[tuple[str, str]]:
    """Return the columns that order the rows, with the id at the end."""
    names = [str(name) for name in rows.query.order_by or rows.model._meta.ordering or ()]
    if not any(name.lstrip("-") in ("id", "pk") for name in names):
        names.append("id")
    return [(name.lstrip("-"), "desc" if name.startswith("-") else "asc") for name in names]
