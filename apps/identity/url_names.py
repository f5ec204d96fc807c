"""Endpoint URLs hold names in brackets; only those of a short list are ever filled in (OSSA 2014-029)."""

import re
from collections.abc import Mapping

ALLOWED = frozenset(("project_id", "tenant_id", "user_id"))
_NAME = re.compile(r"[$%]\(([^()]*)\)s")


def unknown(url: str) -> str | None:
    """Return the first thing in ``url`` that could never be filled in, or None."""
    for match in _NAME.finditer(url):
        if match[1] not in ALLOWED:
            return match[0]
    rest = _NAME.sub("", url)
    other = re.search(r"[$%]\([^)]*\)?.?", rest)
    return other[0] if other else None


def fill(url: str, values: Mapping[str, str | None]) -> str | None:
    """Return ``url`` with its names replaced, or None if one has no value or is not allowed."""
    if unknown(url) is not None or any(not values.get(match[1]) for match in _NAME.finditer(url)):
        return None
    return _NAME.sub(lambda match: str(values[match[1]]), url)
