"""Times, sizes and lengths of time as an operator reads them."""

from datetime import datetime, timedelta


def moment(at: datetime | None) -> str:
    """Return ``2026-01-01 00:00:00 UTC``."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "-"


def clock(at: datetime | None) -> str:
    """Return the time of day, with milliseconds."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}" if at else "-"


def span(length: timedelta) -> str:
    """Return "0.012 s", "42 s", "7 min", "5 h", "3 days"."""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{max(seconds, 0):.3f} s"
    for size, unit in ((120, "s"), (7200, "min"), (172800, "h")):
        if seconds < size:
            return f"{seconds / {'s': 1, 'min': 60, 'h': 3600}[unit]:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def between(start: datetime | None, end: datetime | None) -> str:
    return span(end - start) if start and end else "-"


def plural(count: int, noun: str) -> str:
    """Return "1 server", "2 servers"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
