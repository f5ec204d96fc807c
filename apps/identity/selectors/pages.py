"""How much of a list one answer holds: no more than the settings say, read no further than one row beyond."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.conf import settings
from django.db.models import QuerySet


def cut(rows: Iterable[Any]) -> tuple[list[Any], bool]:
    """Return as many rows as one answer may hold, and whether there are more."""
    limit = settings.IDENTITY_LIST_LIMIT
    chosen = list(rows[: limit + 1] if isinstance(rows, QuerySet) else islice(rows, limit + 1))
    return chosen[:limit], len(chosen) > limit
