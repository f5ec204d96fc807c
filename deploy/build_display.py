"""Shows a server's build step by step: a table that changes on a terminal, a line a step elsewhere."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.live import Live
from rich.table import Table

from deploy.console import console, line


@dataclass(frozen=True)
class Step:
    """One step of the build: when it began, in seconds after the request, how long it took, and what became of it."""

    name: str
    began: float
    seconds: float | None
    result: str

    @property
    def ended(self) -> bool:
        return self.seconds is not None

    def took(self) -> str:
        return "" if self.seconds is None else f"{self.seconds:6.2f} s"


def steps_of(action: dict[str, Any]) -> list[Step]:
    """Read the steps from a document of os-instance-actions, in the order in which they began."""
    start = datetime.fromisoformat(action["start_time"])
    steps = []
    for event in action.get("events") or []:
        if not event.get("start_time"):
            continue
        began = datetime.fromisoformat(event["start_time"])
        ended = datetime.fromisoformat(event["finish_time"]) if event.get("finish_time") else None
        steps.append(
            Step(
                name=event["event"],
                began=(began - start).total_seconds(),
                seconds=(ended - began).total_seconds() if ended else None,
                result=(event.get("result") or "done") if ended else "running",
            )
        )
    return sorted(steps, key=lambda step: step.began)


class BuildDisplay:
    """A `with` block in which ``show`` may be called with all steps known so far, again and again."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._live: Live | None = None
        self._told: set[tuple[str, float]] = set()

    def __enter__(self) -> "BuildDisplay":
        if console.is_terminal:
            self._live = self._stack.enter_context(Live(console=console, refresh_per_second=12))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, steps: list[Step]) -> None:
        """Draw the steps; elsewhere than on a terminal, print those that ended since the last call."""
        if self._live is not None:
            self._live.update(self._table(steps), refresh=True)
            return
        for step in steps:
            if step.ended and (step.name, step.began) not in self._told:
                self._told.add((step.name, step.began))
                line(f"    {step.began:7.2f} s  {step.name:<34} {step.took():>9}  {step.result}")

    def _table(self, steps: list[Step]) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        for step in steps:
            mark = {"Success": "[green]✓[/green]", "running": "[yellow]●[/yellow]"}.get(step.result, "[red]✗[/red]")
            table.add_row("   ", mark, f"{step.began:7.2f} s", step.name, step.took(), step.result)
        return table
