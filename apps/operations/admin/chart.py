"""Small charts as shapes for SVG: boots a minute as bars, their p95 as a line."""

from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 600, 120  # user units; the page scales them


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Good below, bad stacked above it; ``told`` is its tooltip."""

    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    told: str


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
    top = max([one.succeeded + one.failed for one in minutes] + [1])
    slowest = max([one.p95 or 0.0 for one in minutes] + [0.001])
    step = WIDTH / len(minutes)
    bars, points = [], []
    for index, one in enumerate(minutes):
        good, bad = HEIGHT * one.succeeded / top, HEIGHT * one.failed / top
        p95 = f", p95 {one.p95:.2f} s" if one.p95 is not None else ""
        told = f"{one.at:%H:%M}: {one.succeeded} booted, {one.failed} failed{p95}"
        bars.append(
            Bar(
                x=round(index * step + step * 0.15, 1), width=round(step * 0.7, 1), told=told,
                good_y=round(HEIGHT - good, 1), good_height=round(good, 1),
                bad_y=round(HEIGHT - good - bad, 1), bad_height=round(bad, 1),
            )
        )  # fmt: skip
        if one.p95 is not None:
            points.append(f"{index * step + step / 2:.1f},{HEIGHT - (HEIGHT - 6) * one.p95 / slowest - 3:.1f}")
    booted, failed = sum(one.succeeded for one in minutes), sum(one.failed for one in minutes)
    summary = f"{booted} booted and {failed} failed in the last {len(minutes)} minutes"
    return Chart(bars=bars, line=" ".join(points), top=top, top_seconds=round(slowest, 2), summary=summary)
