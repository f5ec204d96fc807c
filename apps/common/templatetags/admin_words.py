"""Numbers in the form that people read."""

from datetime import datetime

from django import template

register = template.Library()


@register.filter
def ago(value: datetime | None) -> str:
    """Return the age of a time, with the UTC time as its title."""
    from apps.common.admin import cells  # pages load the templates that load this module

    return cells.ago(value)


@register.filter
def seconds(value: float | None) -> str:
    """Return a duration: "38 ms", "1.42 s", "3 min 5 s", "2 h 10 min"."""
    if value is None:
        return ""
    value = float(value)
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 100:
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days"
