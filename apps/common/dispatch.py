"""Sending pipelines to workers after commit, by name: apps never import workers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog
from django.db import transaction

from apps.common import tracing

log = structlog.get_logger("celerity.dispatch")


class Message(Protocol):
    """What a message about a run may carry: ids and the host, never state or secrets."""

    pipeline: str
    next_step: str
    token: int
    host: str

    @property
    def id(self) -> object: ...


_send: Callable[[Message], None] | None = None
_steps: Mapping[str, Sequence[str]] = {}


def configure(*, send: Callable[[Message], None], steps: Mapping[str, Sequence[str]]) -> None:
    """Called once by the Celery app: how to send, and the step names of every pipeline."""
    global _send, _steps
    _send, _steps = send, steps


def steps_of(pipeline: str) -> Sequence[str]:
    """Return a pipeline's step names in order. Raises KeyError when there is no such pipeline."""
    return _steps[pipeline]


def send(run: Message) -> bool:
    """Put the run's next step on its queue. Returns False when the broker is away: the sweeper sends it later."""
    if _send is None:
        raise RuntimeError("dispatch is not configured: import cloud.celery")
    try:
        parent = tracing.parent_of(getattr(run, "params", None))
        with tracing.span("dispatch", parent=parent, pipeline=run.pipeline, step=run.next_step, token=run.token):
            _send(run)
    except Exception as error:  # any transport's own error types: the row is safe, the sweeper sends it
        log.warning("dispatch failed", run_id=str(run.id), pipeline=run.pipeline, error=type(error).__name__)
        return False
    return True


def after_commit(run: Message) -> None:
    """Send the run once the transaction that wrote it is committed."""
    transaction.on_commit(lambda: send(run))
