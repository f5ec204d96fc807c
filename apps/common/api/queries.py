"""Query parameters, read once for all services. Their differences are data: the ``QueryStyle`` of each app."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from apps.common import patterns, substrings
from apps.common.exceptions import BadRequest, CloudError

MAX_SORT_KEYS = 8
MAX_VALUES = 500  # of one parameter
TAGS = ("tags", "tags-any", "not-tags", "not-tags-any")
LONG = 64  # characters of a value that a refusal repeats
Refusal = Callable[[str, str], CloudError]
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
# One of the values behind "in:", in quotes or up to the next comma; in quotes a backslash keeps a quote.
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",]*)')


def refusal(template: str, error: type[CloudError] = BadRequest) -> Refusal:
    """Return a function that raises ``template`` with the ``{name}`` of a parameter and the beginning of its
    ``{value}``.
    """
    return lambda name, value: error(template.format(name=name[:LONG], value=value[:LONG]))


def matching(column: str, pattern: str, name: str) -> Any:
    """Return the condition that a tenant's pattern, the value of the parameter ``name``, matches a part of the column.

    In any case. Raises BadRequest (400) for a pattern that is not taken.
    """
    text = patterns.plain(patterns.check(pattern, name))
    return Q(**{f"{column}__iregex": pattern}) if text is None else substrings.contains(column, text, ignore_case=True)


@dataclass(frozen=True, kw_only=True)
class QueryStyle:
    """How a service reads parameters, and with which sentences it refuses them (400, unless it says otherwise).

    ``other_words``: the value of words that are neither in ``true`` nor in ``false``; None refuses them.
    """

    true: frozenset[str]
    false: frozenset[str]
    other_words: bool | None = None
    not_boolean: Refusal
    not_time: Refusal
    not_number: Refusal
    not_limit: Refusal
    no_marker: Refusal
    no_sort_key: Refusal
    no_direction: Refusal
    unequal_sort: Refusal

    def boolean(self, text: str, name: str) -> bool:
        """Parse a word. Raises the style's ``not_boolean``."""
        word = text.strip().lower()
        if word in self.true or word in self.false:
            return word in self.true
        if self.other_words is None:
            raise self.not_boolean(name, text)
        return self.other_words

    def time(self, text: str, name: str) -> datetime:
        """Return a time. Raises the style's ``not_time``."""
        time = moment(text)
        if time is None:
            raise self.not_time(name, text)
        return time

    def integer(self, text: str, name: str) -> int:
        """Return a whole number of at most ten digits, with a sign perhaps. Raises the style's ``not_number``."""
        if not _INTEGER.fullmatch(text):
            raise self.not_number(name, text)
        return int(text)

    def whole(self, text: str, name: str, *, digits: int = 9) -> int:
        """Return a whole number >= 0 of at most so many digits. Raises the style's ``not_number``."""
        number = whole(text, digits=digits)
        if number is None:
            raise self.not_number(name, text)
        return number


def plain(params: Any) -> dict[str, list[str]]:
    """Return a query's parameters with all of their values, for selectors: they know no requests."""
    return dict(params.lists())


def moment(text: str) -> datetime | None:
    """Return a time, in UTC by default, or None if it is invalid."""
    try:
        time = parse_datetime(text[:LONG])
    except ValueError:
        return None
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)


def whole(text: str, *, digits: int = 9) -> int | None:
    """Return a whole number >= 0, or None if it is invalid or has too many digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def operator(text: str, known: Iterable[str]) -> tuple[str, str]:
    """Return the operator before the first colon and the value behind it: ``gte:2026-01-01`` and ``in:a,b``.

    The operator is "" where the text begins with none of ``known``: then the value is the whole text.
    """
    word, colon, rest = text.partition(":")
    return (word, rest) if colon and word in known else ("", text)


def listed(text: str) -> list[str] | None:
    """Return the values of a list such as ``"a, with comma",b``; None where a quote is out of place."""
    values, at = [], 0
    while True:
        match = _VALUE.match(text, at)
        end = match.end() if match else at
        if match is None or (end < len(text) and text[end] != ","):
            return None
        quoted, bare = match.groups()
        values.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare)
        if end == len(text):
            return values
        at = end + 1


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """How a list is sorted: by ``sort_key`` and ``sort_dir``, the first key first.

    keys: names in queries -> columns. Without keys, queries cannot change the order.
    last: columns that every order ends with, so that pages are stable. A direction of None: that of the last key.
    default, direction: the key and the direction of a query that names none.
    directions: how many ``sort_dir`` a query may have: "equal" (one for each key, or none), "one or equal", or "any"
        (the last one applies to the remaining keys).
    pairs: read ``sort=key:dir,…`` too (Glance).
    single: sort by the last key alone.
    forgiving: ignore an unknown direction where the query names no key (Nova).
    """

    keys: Mapping[str, str]
    last: Sequence[tuple[str, str | None]] = (("created_at", "asc"), ("id", "asc"))
    default: str | None = None
    direction: str = "asc"
    directions: str = "equal"
    pairs: bool = False
    single: bool = False
    forgiving: bool = False

    def by(self, *names: str, **columns: str) -> "Sorting":
        """Return the same with more keys: columns of the same name, or names with their columns."""
        return replace(self, keys={**self.keys, **{name: name for name in names}, **columns})

    def order(self, params: Any, style: QueryStyle, *, backwards: bool = False) -> list[tuple[str, str]]:
        """Return (column, direction) pairs for a query. Raises the errors of ``style`` for keys and directions."""
        asked = self._asked(params, style) if self.keys else []
        direction = asked[-1][1] if asked else self._lone(params)
        if not asked and self.default:
            asked = [(self.default, direction)]
        chosen: dict[str, str] = {}
        for key, towards in asked[:MAX_SORT_KEYS]:
            if key not in self.keys:
                raise style.no_sort_key("sort_key", key)
            chosen.setdefault(self.keys[key], _checked(towards, style))
        for column, fixed in self.last:
            chosen.setdefault(column, _checked(fixed or direction, style))
        flipped = {"asc": "desc", "desc": "asc"}
        return [(column, flipped[towards] if backwards else towards) for column, towards in chosen.items()]

    def _asked(self, params: Any, style: QueryStyle) -> list[tuple[str, str]]:
        if self.pairs and params.get("sort"):
            parts = [part.strip().partition(":") for part in params["sort"].split(",")]
            return [(key, direction or self.direction) for key, _, direction in parts]
        keys, directions = params.getlist("sort_key"), params.getlist("sort_dir")
        allowed = {"equal": {0, len(keys)}, "one or equal": {0, 1, len(keys) or 1}}.get(self.directions)
        if allowed is not None and len(directions) not in allowed:
            raise style.unequal_sort("sort_dir", "")
        if self.single:
            keys, directions = keys[-1:], directions[-1:]
        filled = [*directions, *[directions[-1] if directions else self.direction] * len(keys)]
        return list(zip(keys, filled, strict=False))

    def _lone(self, params: Any) -> str:
        """Return the direction of a query that names no key."""
        directions: list[str] = params.getlist("sort_dir")
        if self.forgiving and directions not in (["asc"], ["desc"]):
            return self.direction
        return (directions[-1] if directions else "") or self.direction


def _checked(direction: str, style: QueryStyle) -> str:
    if direction not in ("asc", "desc"):
        raise style.no_direction("sort_dir", direction)
    return direction


Filter = tuple[str, Callable[[str, str], Any]]  # a column, and the parser of its (value, name)


def one_of(rows: QuerySet[Any], params: Mapping[str, Sequence[str]], table: Mapping[str, Filter]) -> QuerySet[Any]:
    """Narrow ``rows`` by the parameters that ``table`` knows; repeated values mean "one of", a value of None nothing.

    Raises what the readers raise.
    """
    for name, (column, read) in table.items():
        if name in params:
            values = [read(value, name) for value in params[name][:MAX_VALUES]]
            rows = rows.filter(**{f"{column}__in": [value for value in values if value is not None]})
    return rows


def by_tags(rows: QuerySet[Any], asked: Mapping[str, Sequence[str]]) -> QuerySet[Any]:
    """Narrow ``rows`` by lists of tags under the names that the API SIG gives them. Empty lists mean nothing.

    A tag counts once: PostgreSQL compares each with each tag of each row.
    """
    tags = {name: list(dict.fromkeys(asked.get(name, ()))) for name in TAGS}
    if tags["tags"]:
        rows = rows.filter(tags__contains=tags["tags"])
    if tags["tags-any"]:
        rows = rows.filter(tags__overlap=tags["tags-any"])
    if tags["not-tags"]:
        rows = rows.exclude(tags__contains=tags["not-tags"])
    if tags["not-tags-any"]:
        rows = rows.exclude(tags__overlap=tags["not-tags-any"])
    return rows
