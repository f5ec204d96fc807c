"""Names of runs' subjects: applications register how to name and find theirs."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common.admin import cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``names(ids)`` returns id -> name of those that are there, ``like(text)`` ids; ``page`` is "app_model"."""

    page: str
    names: Callable[[Iterable[uuid.UUID]], dict[uuid.UUID, str]]
    like: Callable[[str], Iterable[uuid.UUID]]


_kinds: dict[str, Kind] = {}


def add(name: str, kind: Kind) -> None:
    _kinds[name] = kind


def complete(runs: list[Any]) -> None:
    """Put the names of their subjects onto the runs of a list. 1 query for each kind."""
    for name, kind in _kinds.items():
        names = kind.names([run.subject_id for run in runs if run.subject_type == name])
        for run in runs:
            if run.subject_type == name:
                run.subject_name = names.get(run.subject_id, "")


def cell(run: Any) -> SafeString:
    """Return a list's cell: name and short ID, linked if the subject exists."""
    name = getattr(run, "subject_name", "")
    kind = _kinds.get(run.subject_type)
    key = cells.short(run.subject_id)
    if not name or kind is None:
        return format_html("{} {}", run.subject_type, key)
    return format_html("{} {}", cells.link(kind.page, run.subject_id, cells.cut(name)), key)


def like(text: str) -> list[uuid.UUID]:
    """Return the ids of subjects that are called so. 1 query for each kind."""
    return [key for kind in _kinds.values() for key in kind.like(text)]
