"""A pipeline between two hosts, run in this process: messages go by the real router to queues that a test serves."""

import contextlib
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.workflow import catalogue, states
from apps.workflow.models import Run
from apps.workflow.services import runs
from workers import routing
from workers.engine import runner
from workers.engine.errors import Stale
from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SCHEDULER, SOURCE, Step, StepContext
from workers.engine.subjects import SERVER
from workers.pipelines import registry

A, B, C = "a", "b", "c"  # the source, and destinations
CONTEXT = RequestContext(user_id="u", project_id="p")


class WorkerDied(BaseException):
    """The worker's process ends here: no handler of failures sees it."""


class Scripted(Step[None]):
    """Raises what the test planned for it, and notes each call: (verb, step, host, whether it acted on the host)."""

    def __init__(self, name: str, role: str, calls: list[tuple[str, str, str, bool]], *, long: bool = False) -> None:
        self.name, self.role, self.long = name, role, long
        self.calls = calls
        self.fails: list[BaseException] = []
        self.reverts: list[BaseException] = []

    def execute(self, ctx: StepContext) -> None:
        self.calls.append(("execute", self.name, ctx.host, ctx.on_host))
        if self.fails:
            raise self.fails.pop(0)

    def revert(self, ctx: StepContext) -> None:
        self.calls.append(("revert", self.name, ctx.host, ctx.on_host))
        if self.reverts:
            raise self.reverts.pop(0)


class Choose(Scripted):
    """Choose the first destination that is not excluded."""

    def execute(self, ctx: StepContext) -> None:
        ctx.assign(DESTINATION, next(host for host in (B, C) if host not in ctx.claim.excluded_hosts))
        super().execute(ctx)


class Keep(Scripted):
    """A step whose revert does nothing."""

    revert = Step.revert


class App:
    """The part of Celery that ``registry.send`` calls: each message goes to the queue that the router names."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.tasks = self
        self.signature = str

    def __getitem__(self, task: str) -> "Task":
        return Task(self.cluster, task)


class Task:
    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.cluster, self.name = cluster, name

    def apply_async(self, args: tuple[dict[str, Any]], chain: list[str] | None) -> None:
        self.cluster.put(self.name, args[0], chain)


class Cluster:
    """Two hosts' queues and the scheduler's, and the workers that read them when the test says so."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.queues: dict[str, list[tuple[str, dict[str, Any], list[str] | None]]] = defaultdict(list)

    def put(self, task: str, message: dict[str, Any], chain: list[str] | None) -> None:
        queue = (routing.route(task, (message,), {}, {}) or {})["queue"]
        self.queues[queue].append((task, message, chain))

    def waiting(self) -> dict[str, list[str]]:
        """Return the names of the steps that wait in each queue."""
        return {
            queue: [task.rpartition(".")[2] for task, _, _ in tasks] for queue, tasks in self.queues.items() if tasks
        }

    def serve(self, queue: str) -> None:
        """Let the queue's worker take its first message."""
        task, message, chain = self.queues[queue].pop(0)
        name = task.rpartition(".")[2]
        host = queue.removeprefix("host.").removesuffix(".long") if queue.startswith("host.") else ""
        drivers = object() if host else None
        with contextlib.suppress(Stale):
            if name == states.REVERT:
                runner.run_revert(self.pipeline, message, drivers)
                return
            step = self.pipeline.steps[self.pipeline.index(name)]
            message = runner.run_step(self.pipeline, step, message, drivers)
            if chain:
                self.put(chain[-1], message, chain[:-1])

    def run(self) -> None:
        """Serve every queue until all are empty."""
        while waiting := self.waiting():
            self.serve(min(waiting))


def pipeline_of(calls: list[tuple[str, str, str, bool]]) -> Pipeline:
    """Return choose → ready (reverts nothing) → off → copy (long) → switch (the pivot) → clear."""
    return Pipeline(
        name="server.test_move",
        subject=SERVER,
        steps=(
            Choose("choose", SCHEDULER, calls),
            Keep("ready", DESTINATION, calls),
            Scripted("off", SOURCE, calls),
            Scripted("copy", DESTINATION, calls, long=True),
            Scripted("switch", DESTINATION, calls),
            Scripted("clear", SOURCE, calls),
        ),
        on_retryable="reschedule",
        chooses=DESTINATION,
        on_host_down={SOURCE: "fail", DESTINATION: "elsewhere"},
        pivot="switch",
    )


@contextlib.contextmanager
def cluster(monkeypatch: Any) -> Iterator[Cluster]:
    """Register the pipeline, its tasks' roles and the dispatch for the block."""
    calls: list[tuple[str, str, str, bool]] = []
    pipeline = pipeline_of(calls)
    made = Cluster(pipeline)
    before = [catalogue.get(name) for name in registry.PIPELINES]
    catalogue.fill([*before, pipeline.entry])
    monkeypatch.setitem(registry.PIPELINES, pipeline.name, pipeline)
    for name, role, long in [(step.name, step.role, step.long) for step in pipeline.steps] + [
        (states.REVERT, states.REVERT, False)
    ]:
        monkeypatch.setitem(routing._roles, pipeline.task_name(name), role)
        if long:
            monkeypatch.setattr(routing, "_long", routing._long | {pipeline.task_name(name)})
    app = App(made)
    monkeypatch.setattr(dispatch, "_send", lambda run: registry.send(app, run))  # type: ignore[arg-type]
    yield made
    catalogue.fill(before)


def step_of(made: Cluster, name: str) -> Scripted:
    step = made.pipeline.steps[made.pipeline.index(name)]
    assert isinstance(step, Scripted)
    return step


def start(subject: uuid.UUID | None = None) -> Run:
    return runs.start(
        context=CONTEXT, pipeline="server.test_move", action="move", subject_id=subject or uuid.uuid4(),
        hosts={SOURCE: A},
    )  # fmt: skip


def moves_to(made: Cluster, step: str) -> None:
    """Serve until ``step`` waits in a queue."""
    while waiting := made.waiting():
        if any(step in steps for steps in waiting.values()):
            return
        made.serve(min(waiting))
    raise AssertionError(f"the step {step} is not reached")
