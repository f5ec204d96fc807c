"""A step's life: claim, hold, execute, finish; and on failure the revert. See docs/engine.md."""

import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from apps.common import dispatch, tracing
from apps.workflow import states
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import claims, leases, tallies
from apps.workflow.services.claims import BUSY, STALE, Claim, Entry
from workers import config, routing
from workers.engine import spans
from workers.engine.errors import LeaseLost, failure_of
from workers.engine.steps import HOST, Step, StepContext
from workers.system.locks import LockTimeout

log = structlog.get_logger("celerity.engine")
WORKER = socket.gethostname()
RETRY_DELAY_SECONDS = 2.0


@dataclass(frozen=True)
class Pipeline:
    """An ordered tuple of steps. ``reschedules``: a Retryable failure starts over on another host.

    Without it a Retryable failure repeats the pipeline on the same host after a short delay.
    """

    name: str
    steps: tuple[Step, ...]
    reschedules: bool = False

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


class Stale(Exception):
    """The message is old or doubled: the chain ends here, quietly."""


class StepFailed(Stale):
    """The step failed and was reverted: the chain ends here. Its text is the cause, for whoever watches tasks."""


def run_step(pipeline: Pipeline, step: Step, message: dict[str, Any], drivers: Any) -> dict[str, Any]:
    """Run one step for one message; return the message for the next link.

    Raises Stale when the chain must not go on from here: a stale message or a lost lease; StepFailed after a failure,
    whose revert is under way or done.
    """
    claim = _take(pipeline, step.name, step.timeout_seconds, message, step.entry())
    ctx = _context(claim, message, drivers)
    with (
        structlog.contextvars.bound_contextvars(
            request_id=claim.request_id, server=str(claim.subject_id), run=str(claim.run_id), step=step.name,
            host=ctx.host,
        ),
        spans.step(pipeline.task_name(step.name), ctx),
    ):  # fmt: skip
        try:
            with _on_host_or_rows_only(ctx) if step.rows_only_when_hung else _on_host(ctx):
                step.enter(ctx)
                step.execute(ctx)
            done = _finish(pipeline, step, ctx)
        except (LeaseLost, LockTimeout):
            _let_go(claim)
            raise Stale from None
        except Exception as error:
            if not connection.is_usable():
                # The lock went with the session; whoever sweeps sends the step again.
                log.warning("database session lost", error=type(error).__name__)
                raise Stale from None
            fail(pipeline, step, ctx, error)
            failure, _ = failure_of(error)
            raise StepFailed(f"{failure.cause}: {failure.message}") from None
        if not done:
            _let_go(claim)
            raise Stale
        log.info("step done")
        return {**message, "host": ctx.host}


def _on_host(ctx: StepContext) -> AbstractContextManager[None]:
    """Hold the host's own lock on the subject. Raises LockTimeout when a step that lost its lease is still busy."""
    if not ctx.on_host:
        return nullcontext()
    return config.subjects.hold(f"{ctx.host} {ctx.subject_id}", settings.LOCK_WAIT_SECONDS)


def _context(claim: Claim, message: dict[str, Any], drivers: Any) -> StepContext:
    detached = bool(message.get("detached"))
    return StepContext(
        claim=claim,
        host=claim.host,
        drivers=None if detached else spans.traced(drivers),
        detached=detached,
    )


def _take(
    pipeline: Pipeline, step: str, timeout: float | None, message: dict[str, Any], entry: Entry | None = None
) -> Claim:
    """Claim, waiting a while for whoever still holds the subject (a step that was overtaken by a delete, say)."""
    deadline = time.monotonic() + settings.LOCK_WAIT_SECONDS
    pause = 0.02
    while True:
        found = claims.claim(
            run_id=uuid.UUID(message["run_id"]),
            token=int(message["token"]),
            step=step,
            subject_id=uuid.UUID(message["subject_id"]),
            timeout_seconds=timeout or settings.STEP_TIMEOUT,
            worker=WORKER,
            entry=entry,
        )
        if isinstance(found, Claim):
            return found
        if found == STALE or time.monotonic() > deadline or not _still_wanted(message, step):
            log.info("message dropped", reason=found, run=str(message["run_id"]), step=step)
            tallies.add(name="messages_dropped", counts={found: 1})
            raise Stale
        assert found == BUSY
        time.sleep(pause)  # the holder is another session: PostgreSQL has no try-lock with a time limit
        pause = min(pause * 2, 0.25)


def _still_wanted(message: dict[str, Any], step: str) -> bool:
    run = run_selectors.get(run_id=uuid.UUID(message["run_id"]))
    return run is not None and run.token == message["token"] and run.next_step == step


def _finish(pipeline: Pipeline, step: Step, ctx: StepContext) -> bool:
    """One transaction: results, step row, the run's next step."""
    names = pipeline.step_names()
    following = names[names.index(step.name) + 1] if step.name != names[-1] else None
    if not step.records:
        return _move_on(pipeline, ctx, following)
    with transaction.atomic():
        step.record(ctx)
        # Before the run moves, for with that statement the lease goes, whether or not this commits.
        step.settle(ctx)
        done = _move_on(pipeline, ctx, following)
        if not done:
            transaction.set_rollback(True)
    return done


def _move_on(pipeline: Pipeline, ctx: StepContext, following: str | None) -> bool:
    if following is None:
        return leases.end(claim=ctx.claim, state=states.SUCCEEDED, host=ctx.host)
    queue = routing.DETACHED_QUEUE if ctx.detached else pipeline.queue_for(following, ctx.host)
    return leases.advance(claim=ctx.claim, next_step=following, host=ctx.host, queue=queue)


def _let_go(claim: Claim) -> None:
    """Unlock after a lost lease; a session that is broken has lost its locks already."""
    try:
        leases.unlock(subject_id=claim.subject_id)
    except (InterfaceError, DatabaseError):
        log.info("lock went with its session")


def fail(pipeline: Pipeline, step: Step, ctx: StepContext, error: Exception) -> None:
    """A step failed: decide whether there is another attempt, and revert at once while the lock is held."""
    failure, retryable = failure_of(error)
    retrying = retryable and ctx.claim.attempt < settings.MAX_ATTEMPTS
    tracing.failed(failure.cause)
    log.warning(
        "step failed", cause=failure.cause, error=failure.message, details=failure.details[:2000], retrying=retrying
    )
    opened = leases.begin_revert(
        claim=ctx.claim, failure=failure, retrying=retrying, timeout_seconds=settings.STEP_TIMEOUT, worker=WORKER
    )
    if opened is None:
        _let_go(ctx.claim)
        return
    ctx.claim = replace(ctx.claim, step_id=opened, retrying=retrying)
    ctx.failure, ctx.final, ctx.blames_host = failure, not retrying, retryable and step.where == HOST
    revert(pipeline, pipeline.steps[: pipeline.index(step.name) + 1], ctx)


def run_revert(pipeline: Pipeline, message: dict[str, Any], drivers: Any) -> None:
    """Serve a revert message: the worker that began it died, or a deadline passed. Every step is undone."""
    claim = _take(pipeline, states.REVERT, None, message)
    ctx = _context(claim, message, drivers)
    ctx.failure = leases.Failure(
        cause=claim.error_cause, message=claim.error_message, details=claim.error_details, code=claim.error_code or 500
    )
    ctx.final, ctx.blames_host = not claim.retrying, claim.retrying
    with (
        structlog.contextvars.bound_contextvars(
            request_id=claim.request_id,
            server=str(claim.subject_id),
            run=str(claim.run_id),
            step="revert",
            host=ctx.host,
        ),
        spans.step(pipeline.task_name(states.REVERT), ctx),
    ):
        revert(pipeline, pipeline.steps, ctx)


def revert(pipeline: Pipeline, steps: Sequence[Step], ctx: StepContext) -> None:
    """Undo ``steps`` in reverse order, then end the run or start its next attempt.

    A revert that fails is logged and does not keep the others from running: what it left is for the reconcilers.
    """
    try:
        with _on_host_or_rows_only(ctx):
            for step in reversed(steps[1:]):
                _revert_one(step, ctx)
            _close(pipeline, steps[0], ctx)
    except LeaseLost:
        _let_go(ctx.claim)


@contextmanager
def _on_host_or_rows_only(ctx: StepContext) -> Iterator[None]:
    """A hung step may keep the host's lock for ever: then only rows are undone, and recovery clears the host."""
    with ExitStack() as stack:
        try:
            stack.enter_context(_on_host(ctx))
        except LockTimeout:
            log.warning("host lock is held by a hung step: rows only")
            ctx.drivers = None
        yield


def _revert_one(step: Step, ctx: StepContext) -> None:
    try:
        step.revert(ctx)
    except LeaseLost:
        raise
    except Exception as error:
        if not connection.is_usable():
            raise LeaseLost from None
        log.exception("revert failed", reverted=step.name, error=str(error)[:500])


def _close(pipeline: Pipeline, first: Step, ctx: StepContext) -> None:
    """The first step's revert marks the subject; it and the run's end are one transaction."""
    claim = ctx.claim
    with transaction.atomic():
        first.revert(ctx)
        if ctx.final:
            cancelled = ctx.failure is not None and ctx.failure.cause == states.BY_OPERATOR
            state = states.CANCELLED if cancelled else states.FAILED
            done = leases.end(claim=claim, state=state, host=ctx.host)
        else:
            done = _restart(pipeline, ctx)
        if not done:
            transaction.set_rollback(True)
    if not done:
        _let_go(claim)
    elif not ctx.final and pipeline.reschedules:
        run = run_selectors.get(run_id=claim.run_id)
        if run is not None:
            dispatch.send(run)


def _restart(pipeline: Pipeline, ctx: StepContext) -> bool:
    first = pipeline.steps[0].name
    host = "" if pipeline.reschedules else ctx.host
    excluded = [*ctx.claim.excluded_hosts, ctx.host] if pipeline.reschedules and ctx.host else ctx.claim.excluded_hosts
    delay = None if pipeline.reschedules else timezone.now() + timedelta(seconds=RETRY_DELAY_SECONDS)
    return leases.restart(
        claim=ctx.claim,
        next_step=first,
        host=host,
        queue=pipeline.queue_for(first, host),
        excluded=excluded,
        not_before=delay,
    )
