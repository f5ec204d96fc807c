"""Cells of lists: long names are cut, ids are short, times are ages; the cell's title has the whole value."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString


def cut(text: object) -> SafeString:
    """Return a text that is cut where its column ends. Names have up to 255 characters, and not always a space."""
    return format_html('<span class="cel-cut" title="{}">{}</span>', text, text)


def short(key: object, length: int = 8) -> SafeString:
    """Return the beginning of an id."""
    text = str(key or "")
    return format_html('<span class="cel-id" title="{}">{}</span>', text, text[:length])


def link(page: str, key: Any, text: object) -> SafeString:
    """Return the way to the page of a row; ``page`` is "app_model"."""
    return format_html('<a class="cel-link" href="{}">{}</a>', reverse(f"admin:{page}_change", args=[key]), text)


def age(at: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was: "12 s ago", "3 min ago", "5 h ago", "2 days ago"; "in 3 min" for later."""
    seconds = ((now or timezone.now()) - at).total_seconds()
    size = abs(seconds)
    if size < 60:
        text = f"{size:.0f} s"
    elif size < 3600:
        text = f"{size // 60:.0f} min"
    elif size < 48 * 3600:
        text = f"{size // 3600:.0f} h"
    else:
        text = f"{size // 86400:.0f} days"
    return f"in {text}" if seconds <= -1 else f"{text} ago"


def ago(at: datetime | None) -> SafeString | str:
    """Return a time by its age, with the UTC time as its title."""
    if at is None:
        return ""
    exact = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time class="cel-ago" datetime="{}" title="{}">{}</time>', at.isoformat(), exact, age(at))


def time_column(name: str, title: str) -> Callable[[Any], Any]:
    """Return a column of a list that shows the time ``name`` by its age."""

    def column(row: Any) -> SafeString | str:
        return ago(getattr(row, name))

    column.__name__ = name
    column.short_description = title.removesuffix(" at")  # type: ignore[attr-defined]
    column.admin_order_field = name  # type: ignore[attr-defined]
    return column


def id_column() -> Callable[[Any], SafeString]:
    """Return a column of a list that shows the beginning of the id."""

    def column(row: Any) -> SafeString:
        return short(row.pk)

    column.__name__ = "id"
    column.short_description = "id"  # type: ignore[attr-defined]
    column.admin_order_field = "id"  # type: ignore[attr-defined]
    return column
