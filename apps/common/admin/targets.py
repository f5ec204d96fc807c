"""The objects that audit events are about, by name: each application registers its kinds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common.admin import cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``names(ids)`` returns id -> name of existing objects, ``like(text)`` ids by name; ``page`` is "app_model"."""

    page: str
    names: Callable[[Iterable[str]], dict[str, str]]
    like: Callable[[str], Iterable[str]]


_kinds: dict[str, Kind] = {}


def add(name: str, kind: Kind) -> None:
    _kinds[name] = kind


def add_model(name: str, model: Any) -> None:
    """Register a kind whose rows have ``id`` and ``name``."""

    def names(ids: Iterable[str]) -> dict[str, str]:
        return {str(key): text for key, text in model.objects.filter(pk__in=list(ids)).values_list("pk", "name")}

    def like(text: str) -> list[str]:
        rows = model.objects.filter(name__icontains=text).order_by("-pk")
        return [str(key) for key in rows.values_list("pk", flat=True)[:200]]

    add(name, Kind(page=f"{model._meta.app_label}_{model._meta.model_name}", names=names, like=like))


def complete(events: list[Any]) -> None:
    """Put the names of their targets onto events. 1 query for each kind."""
    for name, kind in _kinds.items():
        names = kind.names({event.target_id for event in events if event.target_type == name})
        for event in events:
            if event.target_type == name:
                event.target_name = names.get(event.target_id, "")


def cell(event: Any) -> SafeString:
    """Return the kind and the name of an event's target, linked if it exists; else its short id."""
    name = getattr(event, "target_name", "")
    if not name:
        return format_html("{} {}", event.target_type, cells.short(event.target_id))
    link = cells.link(_kinds[event.target_type].page, event.target_id, cells.cut(name))
    return format_html('{} <span title="{}">{}</span>', event.target_type, event.target_id, link)


def like(text: str) -> list[str]:
    """Return the ids of targets by name. 1 query for each kind."""
    return [key for kind in _kinds.values() for key in kind.like(text)]
