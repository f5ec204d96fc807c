"""Boxes above an object's fields. An application adds its own to the pages of those below it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """``template`` is rendered with ``panel`` = this; ``values`` are its data. ``wide`` takes the whole row."""

    title: str
    template: str
    values: dict[str, Any] = field(default_factory=dict)
    wide: bool = False
    note: str = ""


Maker = Callable[[HttpRequest, Any], Panel | None]
_makers: dict[str, list[tuple[int, Maker]]] = {}


def add(label: str, maker: Maker, *, position: int = 50) -> None:
    """Show the panel of ``maker(request, object)`` on every page of ``label`` ("compute.server")."""
    _makers.setdefault(label, []).append((position, maker))


def of(label: str, request: HttpRequest, row: Any) -> list[Panel]:
    makers = sorted(_makers.get(label, []), key=lambda pair: pair[0])
    return [panel for _, maker in makers if (panel := maker(request, row)) is not None]


def table(title: str, head: list[str], rows: list[list[Any]], *, empty: str = "None.", **more: Any) -> Panel:
    """Return a panel with a plain table. A cell is a text, or {"text", "href", "kind"} for a link or a label."""
    values = {"head": head, "rows": rows, "empty": empty}
    return Panel(title=title, template="admin/panels/table.html", values=values, **more)


def pairs(title: str, pairs: list[tuple[str, Any]], **more: Any) -> Panel:
    """Return a panel of names and values; empty values are left out."""
    shown = [(name, value) for name, value in pairs if value not in (None, "", [], {})]
    return Panel(title=title, template="admin/panels/facts.html", values={"pairs": shown}, **more)
