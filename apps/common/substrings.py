"""Conditions on parts of a text column. LIKE takes the product of both lengths where a text repeats one character."""

from typing import Any

from django.db.models import F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Length, Right, StrIndex, Upper
from django.db.models.lookups import Exact, GreaterThan


def contains(column: str, text: str, *, ignore_case: bool = False) -> Any:
    """Return the condition that the column has ``text`` anywhere."""
    whole, part = _folded(column, text, ignore_case)
    return GreaterThan(StrIndex(whole, part), 0)


def ends_with(column: str, text: str, *, ignore_case: bool = False) -> Any:
    """Return the condition that the column ends with ``text``."""
    whole, part = _folded(column, text, ignore_case)
    return Exact(Right(whole, Length(part)), part)


def _folded(column: str, text: str, ignore_case: bool) -> tuple[Combinable, Combinable]:
    whole, part = F(column), Value(text)
    return (Upper(whole), Upper(part)) if ignore_case else (whole, part)
