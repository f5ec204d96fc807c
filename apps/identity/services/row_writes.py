"""Common parts of writes: the error for duplicates, the check of immutable rows, merging of changes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from apps.identity.exceptions import Duplicate, Immutable

Row = TypeVar("Row", bound=models.Model)


@contextmanager
def unique(noun: str, what: str) -> Iterator[None]:
    """Turn the database's refusal of a double into 409; the surrounding transaction lives on."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise Duplicate(noun=noun, what=what[:300]) from None


def refuse_immutable(noun: str, row: Any, changes: Mapping[str, Any] | None = None) -> None:
    """Raise Immutable (403) when the row's option says so; taking the option away is the one change allowed."""
    if row.options.get("immutable") is not True:
        return
    if changes is not None and set(changes) == {"options"} and changes["options"].get("immutable", True) is not True:
        return
    raise Immutable(noun=noun, id=row.pk)


def merged_options(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with ``new`` over ``old``; null takes an option away."""
    return {key: value for key, value in {**old, **new}.items() if value is not None}


def merge(row: Any, changes: Mapping[str, Any], names: Iterable[str]) -> None:
    """Put the changes named onto the row; ``options`` and ``extra`` are merged key by key."""
    for name in names:
        if name not in changes:
            continue
        value = changes[name]
        if name in ("options", "extra"):
            value = merged_options(getattr(row, name), value)
        setattr(row, name, value)
