"""Which pipelines there are, and their steps as Celery tasks."""

from collections.abc import Callable
from functools import cache
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
from workers.pipelines import (
    links,
    server_build,
    server_delete,
    server_migrate,
    server_reboot,
    server_start,
    server_stop,
    server_unpause,
)

if TYPE_CHECKING:
    from apps.workflow.models import Run

T = TypeVar("T")
PIPELINES: dict[str, Pipeline] = {
    module.PIPELINE.name: module.PIPELINE
    for module in (
        server_build,
        server_delete,
        server_start,
        server_stop,
        server_unpause,
        server_reboot,
        server_migrate,
    )
}


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
    def run(self: Any, message: dict[str, Any]) -> dict[str, Any]:
        drivers = config.drivers_for(routing.host_of(step.role, message))
        return guarded(self, lambda: runner.run_step(pipeline, step, message, drivers))


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
    if run.also:
        message["also"] = [str(subject) for subject in run.also]
    first, *others = _tasks(run.pipeline, run.next_step)
    app.tasks[first].apply_async((message,), chain=links.behind(app, tuple(others)))


@cache
def _tasks(pipeline: str, step: str) -> tuple[str, ...]:
    """Return the names of the tasks from a step on; a revert is one task."""
    found = PIPELINES[pipeline]
    if step == states.REVERT:
        return (found.task_name(step),)
    return tuple(found.task_name(name) for name in found.step_names()[found.index(step) :])
