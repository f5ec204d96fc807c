"""Sending pipelines to workers after commit, by name: apps never import workers.

A request never waits for the broker: it tries once, for a moment, and while the broker does not answer it does not try
(``Breaker``). A run that was not sent stays in its row, and the sweeper sends it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog
from django.db import transaction

from apps.common import tracing

log = structlog.get_logger("celerity.dispatch")


class Message(Protocol):
    """Messages about runs carry IDs and the host, never state or secrets."""

    pipeline: str
    next_step: str
    token: int
    host: str

    @property
    def id(self) -> object: ...


class Breaker:
    """Remembers for ``seconds`` that the broker did not answer. After them one caller tries."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._closed_at = 0.0  # time.monotonic(); 0: the broker answered last time

    def allows(self) -> bool:
        """Say whether to try. Who is allowed while it was broken holds the others back for another pause."""
        if not self._closed_at:
            return True
        with self._lock:
            if time.monotonic() < self._closed_at:
                return False
            self._closed_at = time.monotonic() + self._seconds
            return True

    def failed(self) -> None:
        with self._lock:
            self._closed_at = time.monotonic() + self._seconds if self._seconds else 0.0

    def succeeded(self) -> None:
        self._closed_at = 0.0


QUICK_SECONDS = 0.05  # an earlier failure is a connection that ended while idle: try again
_breaker = Breaker(0.0)
_send: Callable[[Message], None] | None = None
_publish: Callable[[str, Mapping[str, object]], None] | None = None


def configure(
    *,
    send: Callable[[Message], None],
    publish: Callable[[str, Mapping[str, object]], None],
    pause_seconds: float = 0.0,
) -> None:
    """Called once by the Celery app: how to send runs, how to put a line on a queue, and the breaker's pause."""
    global _send, _publish, _breaker
    _send, _publish, _breaker = send, publish, Breaker(pause_seconds)


def publish(queue: str, line: Mapping[str, object]) -> bool:
    """Put a line of ids on a queue. Returns False when the broker is away: the queue's worker compares all rows."""
    if _publish is None:
        raise RuntimeError("dispatch is not configured: import cloud.celery")
    if not _breaker.allows():
        return False
    try:
        _try_twice(lambda: _publish(queue, line))
        _breaker.succeeded()
    except Exception as error:  # any transport's own error types: the rows are safe
        _breaker.failed()
        log.warning("line not sent", queue=queue, error=type(error).__name__)
        return False
    return True


def send(run: Message) -> bool:
    """Put the run's next step on its queue. Returns False when the broker is away: the sweeper sends it later."""
    if _send is None:
        raise RuntimeError("dispatch is not configured: import cloud.celery")
    if not _breaker.allows():
        log.info("broker does not answer: left to the sweeper", run_id=str(run.id), pipeline=run.pipeline)
        return False
    try:
        parent = tracing.parent_of(getattr(run, "params", None))
        with tracing.span("dispatch", parent=parent, pipeline=run.pipeline, step=run.next_step, token=run.token):
            _try_twice(lambda: _send(run))
        _breaker.succeeded()
    except Exception as error:  # any transport's own error types: the row is safe, the sweeper sends it
        _breaker.failed()
        log.warning("dispatch failed", run_id=str(run.id), pipeline=run.pipeline, error=type(error).__name__)
        return False
    return True


def _try_twice(send: Callable[[], None]) -> None:
    began = time.monotonic()
    try:
        send()
    except Exception:
        if time.monotonic() - began > QUICK_SECONDS:
            raise
        send()


def after_commit(run: Message) -> None:
    """Send the run once the transaction that wrote it is committed."""
    transaction.on_commit(lambda: send(run))
