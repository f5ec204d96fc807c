"""Which pipelines there are, and their steps as Celery tasks.

Every module of this folder that defines ``PIPELINE`` is one: a new pipeline is a new file.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, TypeVar

from celery import Celery
from celery.exceptions import Ignore
from django.db import close_old_connections, connection

from apps.workflow import states
from workers import config, routing
from workers.engine import runner
from workers.engine.errors import Stale, StepFailed
from workers.engine.pipeline import Pipeline
from workers.engine.steps import Step
from workers.pipelines import links

if TYPE_CHECKING:
    from apps.workflow.models import Run

T = TypeVar("T")


def _collect() -> dict[str, Pipeline]:
    """Return the pipelines of this folder's modules by their names."""
    folder = __name__.rpartition(".")[0]
    names = sorted(name for _, name, _ in iter_modules(import_module(folder).__path__))
    others = (import_module(f"{folder}.{name}") for name in names if f"{folder}.{name}" != __name__)
    pipelines: list[Pipeline] = [module.PIPELINE for module in others if hasattr(module, "PIPELINE")]
    return {pipeline.name: pipeline for pipeline in pipelines}


PIPELINES = _collect()


def register(app: Celery) -> None:
    """Make every step of every pipeline a task named ``<pipeline>.<step>``, and its revert ``<pipeline>.revert``."""
    for pipeline in PIPELINES.values():
        for step in pipeline.steps:
            _step_task(app, pipeline, step)
        _revert_task(app, pipeline)


def _step_task(app: Celery, pipeline: Pipeline, step: Step[Any]) -> None:
    name = pipeline.task_name(step.name)
    routing.assign(name, step.role, long=step.long)

    @app.task(name=name, bind=True, throws=(StepFailed,))  # type: ignore[untyped-decorator]
    def run(self: Any, message: dict[str, Any]) -> dict[str, Any] | None:
        drivers = config.drivers_for(routing.host_of(step.role, message))
        following = guarded(self, lambda: runner.run_step(pipeline, step, message, drivers))
        if following is None:  # the step was sent to another queue, with the links behind it
            self.request.chain = None
        return following


def _revert_task(app: Celery, pipeline: Pipeline) -> None:
    name = pipeline.task_name(states.REVERT)
    routing.assign(name, states.REVERT)

    @app.task(name=name, bind=True)  # type: ignore[untyped-decorator]
    def run(self: Any, message: dict[str, Any]) -> None:
        guarded(self, lambda: runner.run_revert(pipeline, message, config.drivers_for(message["host"])))


def guarded(task: Any, work: Callable[[], T]) -> T:
    """Run a task's body with a healthy database session; a session that broke, or may hold a lock, is closed.

    A step that failed is a failed task, so that Flower shows its cause. Celery reports no end of a message that is
    dropped; it is reported as revoked.
    """
    close_old_connections()
    try:
        return work()
    except Stale as error:
        if not connection.is_usable():
            connection.close()
        if isinstance(error, StepFailed):
            raise
        task.send_event("task-revoked", terminated=False, signum=None, expired=False)
        raise Ignore from None
    except BaseException:
        connection.close()  # this releases all locks of the session
        raise


def send(app: Celery, run: "Run") -> None:
    """Publish the chain from the run's next step on. The message carries ids, the host, and the name to search for."""
    pipeline = PIPELINES[run.pipeline]
    message = {
        "run_id": str(run.id),
        "subject_id": str(run.subject_id),
        "token": run.token,
        "host": run.host,
        "name": getattr(run, "subject_name", ""),
        "unreachable": routing.unreachable_host(pipeline.task_name(run.next_step), queue=run.queue, host=run.host),
    }
    if run.hosts:
        message["hosts"] = run.hosts
    if run.queue == states.host_queue(run.host, long=True):
        message["long"] = True
    if run.also:
        message["also"] = run.also
    first, *others = _tasks(run.pipeline, run.next_step)
    app.tasks[first].apply_async((message,), chain=links.behind(app, tuple(others)))


@cache
def _tasks(pipeline: str, step: str) -> tuple[str, ...]:
    """Return the names of the tasks from a step on; a revert is one task."""
    known = PIPELINES[pipeline]
    if step == states.REVERT:
        return (known.task_name(step),)
    return tuple(known.task_name(name) for name in known.step_names()[known.index(step) :])
