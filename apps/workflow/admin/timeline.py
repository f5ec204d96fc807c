"""Runs drawn in time: a bar per step, waiting apart from working, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.common.admin import panels
from apps.workflow import states
from apps.workflow.models import Run, Step
from apps.workflow.selectors import runs as selectors

RUNS = 10  # of one subject, newest first
STEPS = 400  # of all of them
KINDS = {
    states.SUCCEEDED: "good", states.FAILED: "bad", states.CANCELLED: "idle", states.REVERTING: "busy",
    states.SUCCESS: "good", states.ERROR: "bad", states.RETRY: "bad", states.LOST: "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Percents of the run's whole time; ``told`` says the same in words. Seconds."""

    name: str
    told: str
    kind: str
    result: str
    wait_left: float
    wait_width: float
    work_left: float
    work_width: float
    waited: float
    worked: float
    error: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    run: Run
    kind: str
    seconds: float
    waited: float
    worked: float
    bars: list[Bar] = field(default_factory=list)


# What the scheduler's table begins with is no filter: it is told in words.
WORDS = {
    "named": "is the host that was asked for",
    "failed_before": "has not failed this build before",
    "fits": "is up, enabled and has room",
}


def explained(run: Run) -> bool:
    """Return whether the run's error is told by a table: its details are the same in one long line."""
    return run.error_cause == "NoValidHost" and bool(run.explanation)


def draw(run: Run, steps: Sequence[Step], *, now: datetime) -> Drawn:
    """Return the run's bars. A step that runs, or a run that has not ended, is drawn until ``now``."""
    end = run.finished_at or now
    whole = max((end - run.created_at).total_seconds(), 0.001)

    def share(seconds: float) -> float:
        return round(min(100.0, max(0.0, 100 * seconds / whole)), 3)

    bars = []
    for step in steps:
        until = step.finished_at or now
        waited = max(0.0, (step.started_at - step.since).total_seconds())
        worked = max(0.0, (until - step.started_at).total_seconds())
        sent, began = ((at - run.created_at).total_seconds() for at in (step.since, step.started_at))
        where = f" on {step.host}" if step.host else ""
        tries = f", attempt {step.attempt}" if step.attempt > 1 or run.attempt > 1 else ""
        result = step.result or "running"
        bars.append(
            Bar(
                name=step.name, kind=KINDS.get(step.result, "busy"), result=result,
                told=f"waited {waited:.3f} s, worked {worked:.3f} s{where}{tries}: {result}",
                wait_left=share(sent), wait_width=share(waited), work_left=share(began), work_width=share(worked),
                waited=waited, worked=worked, error=step.error_message,
                details="" if explained(run) else step.error_details,
            )
        )  # fmt: skip
    return Drawn(
        run=run, kind=KINDS.get(run.state, "busy"), seconds=whole, bars=bars,
        waited=sum(bar.waited for bar in bars), worked=sum(bar.worked for bar in bars),
    )  # fmt: skip


def panel_of(runs: Sequence[Run], *, title: str = "Timeline") -> panels.Panel:
    """Return the panel of runs with their steps. 1 query."""
    steps: dict[Any, list[Step]] = {run.id: [] for run in runs}
    for step in selectors.steps_of(run_ids=list(steps))[:STEPS]:
        steps[step.run_id].append(step)
    now = timezone.now()
    drawn = [draw(run, steps[run.id], now=now) for run in runs]
    note = "Pale: waiting in a queue. Solid: at work. Striped: failed."
    return panels.Panel(
        title=title, template="admin/panels/timeline.html", values={"runs": drawn}, wide=True, note=note
    )


def of_subject(subject_id: Any, *, title: str = "Timeline") -> panels.Panel:
    """Return the timeline of a subject's newest runs. 2 queries."""
    return panel_of(list(selectors.of_subject(subject_id=subject_id)[:RUNS]), title=title)


def explanation_of(run: Run | None) -> panels.Panel | None:
    """Return why the scheduler chose as it did; None where it has not been asked."""
    told = run.explanation if run is not None else None
    if not isinstance(told, dict) or not told:
        return None
    filters = [one for one in _list(told.get("filters")) if isinstance(one, dict)]
    removed = [
        {**one, "filter": WORDS.get(str(one.get("filter")), one.get("filter"))}
        for one in filters
        if one.get("in") != one.get("out")
    ]
    values = {
        "considered": told.get("hosts", told.get("considered")),
        "sampled": bool(told.get("sampled")),
        "excluded": _list(told.get("excluded")),
        "filters": removed,
        "passed": len(filters) - len(removed),
        "misses": _list(told.get("misses")),
        "candidates": _candidates(told),
        "host": run.host if run is not None else "",
    }
    return panels.Panel(title="Scheduling", template="admin/panels/explanation.html", values=values)


def _candidates(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the best hosts with their weights, in all and by weigher; runs of before know the sums alone."""
    known = told.get("candidates")
    if not isinstance(known, list):
        known = [{"host": host, "weight": weight} for host, weight in _dict(told.get("weights")).items()]
    found = sorted((one for one in known if isinstance(one, dict)), key=lambda one: -_number(one.get("weight")))
    top = max([abs(_number(one.get("weight"))) for one in found] + [0.0001])
    return [
        {
            "name": one.get("host"),
            "weight": one.get("weight"),
            "parts": ", ".join(f"{name} {part}" for name, part in _dict(one.get("weights")).items()),
            "percent": round(100 * abs(_number(one.get("weight"))) / top),
        }
        for one in found
    ]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
