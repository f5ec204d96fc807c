"""Small charts as shapes for SVG: boots a minute as bars, their p95 as a line."""

from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 600, 120  # user units; the page scales them


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Succeeded below, failed stacked above; ``tooltip`` is its tooltip."""

    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    tooltip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    bars: list[Bar] = field(default_factory=list)
    line: str = ""
    top: int = 0
    top_seconds: float = 0.0
    summary: str = ""


def boots(minutes: list[Any]) -> Chart:
    """Return the chart of ``selectors.boots.by_minute``."""
    if not minutes:
        return Chart()
    top = max([minute.succeeded + minute.failed for minute in minutes] + [1])
    slowest = max([minute.p95 or 0.0 for minute in minutes] + [0.001])
    step = WIDTH / len(minutes)
    bars, points = [], []
    for index, minute in enumerate(minutes):
        good, bad = HEIGHT * minute.succeeded / top, HEIGHT * minute.failed / top
        p95 = f", p95 {minute.p95:.2f} s" if minute.p95 is not None else ""
        text = f"{minute.at:%H:%M}: {minute.succeeded} booted, {minute.failed} failed{p95}"
        bars.append(
            Bar(
                x=round(index * step + step * 0.15, 1), width=round(step * 0.7, 1), tooltip=text,
                good_y=round(HEIGHT - good, 1), good_height=round(good, 1),
                bad_y=round(HEIGHT - good - bad, 1), bad_height=round(bad, 1),
            )
        )  # fmt: skip
        if minute.p95 is not None:
            points.append(f"{index * step + step / 2:.1f},{HEIGHT - (HEIGHT - 6) * minute.p95 / slowest - 3:.1f}")
    booted, failed = sum(minute.succeeded for minute in minutes), sum(minute.failed for minute in minutes)
    summary = f"{booted} booted and {failed} failed in the last {len(minutes)} minutes"
    return Chart(bars=bars, line=" ".join(points), top=top, top_seconds=round(slowest, 2), summary=summary)
