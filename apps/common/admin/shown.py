"""Cells of lists: a long name is cut and an id short; what was cut is the cell's title."""

from typing import Any

from django.urls import reverse
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
