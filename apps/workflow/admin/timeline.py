"""Runs drawn in time: a bar per step, waiting apart from working, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.common.admin import panels
from apps.workflow import catalogue, states
from apps.workflow.models import Run, Step
from apps.workflow.selectors import runs as selectors

NO_HOST = "NoValidHost"
RESULTS = {states.LOST: "cancelled"}  # readable names of results
RUNS = 10  # of one subject, newest first
STEPS = 400  # of all of them
KINDS = {
    states.SUCCEEDED: "good", states.FAILED: "bad", states.CANCELLED: "idle", states.REVERTING: "busy",
    states.SUCCESS: "good", states.ERROR: "bad", states.RETRY: "bad", states.LOST: "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Percents of the run's whole time; ``tooltip`` is the same as text. Seconds."""

    name: str
    tooltip: str
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
    folded: bool = False  # the scheduling table shows the details
    key: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    run: Run
    kind: str
    seconds: float
    waited: float
    worked: float
    bars: list[Bar] = field(default_factory=list)
    cause: str = ""  # of the first failed attempt, if the last one only found no host
    host: str = ""  # the host of the queue


def explained(run: Run) -> bool:
    """Return whether the scheduling table shows the details of the run's error."""
    return run.error_cause == NO_HOST and bool(run.explanation)


def draw(run: Run, steps: Sequence[Step], *, now: datetime) -> Drawn:
    """Return the run's bars. A step that runs, or a run that has not ended, is drawn until ``now``."""
    end = run.finished_at or now
    whole = max((end - run.created_at).total_seconds(), 0.001)

    def share(seconds: float) -> float:
        return round(min(100.0, max(0.0, 100 * seconds / whole)), 3)

    bars, chooses_at = [], catalogue.find(run.pipeline).chooses_at
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
                tooltip=f"waited {_short(waited)}, worked {_short(worked)}{where}{tries}: "
                f"{RESULTS.get(result, result)}",
                wait_left=share(sent), wait_width=share(waited), work_left=share(began), work_width=share(worked),
                waited=waited, worked=worked, error=step.error_message,
                details=step.error_details, folded=step.name == chooses_at and explained(run), key=step.pk or 0,
            )
        )  # fmt: skip
    return Drawn(
        run=run, kind=KINDS.get(run.state, "busy"), seconds=whole, bars=bars,
        waited=sum(bar.waited for bar in bars), worked=sum(bar.worked for bar in bars),
        cause=first_cause(run, steps), host=run.queue.removeprefix("host.") if run.queue.startswith("host.") else "",
    )  # fmt: skip


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def first_cause(run: Run, steps: Sequence[Step]) -> str:
    """Return why the first attempt failed, of a run whose last attempt only found no host left; "" otherwise."""
    if run.error_cause != NO_HOST:
        return ""
    chooses_at = catalogue.find(run.pipeline).chooses_at
    failed = (step for step in steps if step.error_message and step.name != chooses_at)
    failed = (step for step in failed if step.result != states.SUCCESS)
    step = next((each for each in failed if each.direction == states.EXECUTE), None)
    return "" if step is None else f"{step.name}{f' on {step.host}' if step.host else ''}: {step.error_message}"


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


def explanation_of(run: Run | None) -> panels.Panel | None:
    """Return the panel that explains the scheduler's choice; None if there was none."""
    explanation = run.explanation if run is not None else None
    if not isinstance(explanation, dict) or not explanation:
        return None
    filters = [row for row in _list(explanation.get("filters")) if isinstance(row, dict)]
    removed = [
        {**row, "filter": states.CONDITIONS.get(str(row.get("filter")), row.get("filter"))}
        for row in filters
        if row.get("in") != row.get("out")
    ]
    values = {
        "considered": explanation.get("hosts", explanation.get("considered")),
        "sampled": bool(explanation.get("sampled")),
        "excluded": _list(explanation.get("excluded")),
        "filters": removed,
        "passed": len(filters) - len(removed),
        "misses": _list(explanation.get("misses")),
        "candidates": _candidates(explanation),
        "host": run.host if run is not None else "",
    }
    return panels.Panel(title="Scheduling", template="admin/panels/explanation.html", values=values)


def _candidates(explanation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the best hosts with their weights, total and by weigher. Older runs have only totals."""
    known = explanation.get("candidates")
    if not isinstance(known, list):
        known = [{"host": host, "weight": weight} for host, weight in _dict(explanation.get("weights")).items()]
    candidates = sorted(
        (candidate for candidate in known if isinstance(candidate, dict)),
        key=lambda candidate: -_number(candidate.get("weight")),
    )
    top = max([abs(_number(candidate.get("weight"))) for candidate in candidates] + [0.0001])
    return [
        {
            "name": candidate.get("host"),
            "weight": candidate.get("weight"),
            "parts": ", ".join(f"{name} {part}" for name, part in _dict(candidate.get("weights")).items()),
            "percent": round(100 * abs(_number(candidate.get("weight"))) / top),
        }
        for candidate in candidates
    ]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
