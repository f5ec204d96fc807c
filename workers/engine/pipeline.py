"""A pipeline as data: what it works on, its steps, and what becomes of its runs when something fails."""

from dataclasses import dataclass
from typing import Any, Literal

from apps.workflow import states
from apps.workflow.catalogue import Entry, OnHostDown
from workers import routing
from workers.engine.steps import HOST, Step
from workers.engine.subjects import Subject


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """An ordered tuple of steps for one subject. Its name is ``<subject>.<verb>``.

    ``on_retryable``: after a Retryable failure the run starts over on another host (``reschedule``), or on the same one
    after a short delay (``repeat``). ``on_host_down``: a run that waits for a host which went down goes ``elsewhere``,
    goes on with the ``rows_only``, waits (``wait``) or fails (``fail``). The other fields are those of
    ``apps.workflow.catalogue.Entry``, where apps read them.
    """

    name: str
    subject: Subject
    steps: tuple[Step[Any], ...]
    on_retryable: Literal["reschedule", "repeat"] = "repeat"
    on_host_down: OnHostDown = "wait"
    creates: bool = False
    releases: bool = False
    io_heavy: bool = False
    deadline_seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.name.startswith(f"{self.subject.name}.") or not self.steps:
            raise ValueError(f"the pipeline {self.name} needs steps, and a name that begins with its subject's")
        if self.on_host_down == "elsewhere" and self.on_retryable != "reschedule":
            raise ValueError(f"the pipeline {self.name} cannot go elsewhere: it does not choose hosts")

    @property
    def reschedules(self) -> bool:
        return self.on_retryable == "reschedule"

    @property
    def entry(self) -> Entry:
        """Return what apps may know of it."""
        return Entry(
            name=self.name,
            subject=self.subject.name,
            steps=tuple(self.step_names()),
            creates=self.creates,
            releases=self.releases,
            io_heavy=self.io_heavy,
            on_host_down=self.on_host_down,
            deadline_seconds=self.deadline_seconds,
        )

    def step_names(self) -> list[str]:
        return [step.name for step in self.steps]

    def task_name(self, step: str) -> str:
        return f"{self.name}.{step}"

    def index(self, step: str) -> int:
        return self.step_names().index(step)

    def queue_for(self, step: str, host: str) -> str:
        """Return the queue that serves ``step`` when the run is on ``host``."""
        where = HOST if step == states.REVERT else self.steps[self.index(step)].where
        return routing.queue_of(where, host)
