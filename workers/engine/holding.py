"""Taking a step and holding its subject: the claim, the subject's lock, the host's own lock."""

import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.workflow import states
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import claims, leases, tallies
from apps.workflow.services.claims import BUSY, STALE, Claim, ClaimArguments
from workers import config, routing
from workers.engine import spans
from workers.engine.errors import Stale
from workers.engine.pipeline import Pipeline
from workers.engine.steps import HOST, StepContext
from workers.system.locks import LockTimeout

log = structlog.get_logger("celerity.engine")
WORKER = socket.gethostname()


def take(
    pipeline: Pipeline,
    step: str,
    timeout: float | None,
    message: dict[str, Any],
    arguments: ClaimArguments | None = None,
) -> Claim:
    """Claim. Waits a while for a worker that still holds the subject (its step was overtaken by a delete, say)."""
    deadline = time.monotonic() + settings.LOCK_WAIT_SECONDS
    pause = 0.02
    while True:
        outcome = claims.claim(
            run_id=uuid.UUID(message["run_id"]),
            token=int(message["token"]),
            step=step,
            subject_type=pipeline.subject.name,
            subject_id=uuid.UUID(message["subject_id"]),
            timeout_seconds=timeout or settings.STEP_TIMEOUT,
            worker=WORKER,
            arguments=arguments,
            also=[_subject_of(text) for text in message.get("also", ())],
        )
        if isinstance(outcome, Claim):
            return outcome
        if outcome == STALE or time.monotonic() > deadline or not _is_current(message, step):
            log.info("message dropped", reason=outcome, run=str(message["run_id"]), step=step)
            tallies.add(name="messages_dropped", counts={outcome: 1})
            raise Stale
        assert outcome == BUSY
        time.sleep(pause)  # the holder is another session: PostgreSQL has no try-lock with a time limit
        pause = min(pause * 2, 0.25)


def _subject_of(text: str) -> tuple[str, uuid.UUID]:
    """Return the type and the id of a further subject, as a run keeps it."""
    kind, _, key = text.partition(":")
    return kind, uuid.UUID(key)


def _is_current(message: dict[str, Any], step: str) -> bool:
    """Whether the step still waits for this message. While it runs by the same token, the message came twice."""
    run = run_selectors.get(run_id=uuid.UUID(message["run_id"]))
    if run is None or run.step_state != states.STEP_QUEUED:
        return False
    return run.token == message["token"] and run.next_step == step


def context_of(pipeline: Pipeline, role: str, claim: Claim, message: dict[str, Any], drivers: Any) -> StepContext:
    """Return the context of a step of ``role``, or of a revert."""
    here, unreachable = routing.host_of(role, message), str(message.get("unreachable", ""))
    return StepContext(
        claim=claim,
        hosts=dict(claim.hosts) if pipeline.has_hosts else {HOST: claim.host},
        role=role if role != states.REVERT else HOST,
        here=here,
        drivers=None if here and here == unreachable else spans.traced(drivers),
        unreachable=unreachable,
        is_long=bool(message.get("long")),
    )


@contextmanager
def bound(pipeline: Pipeline, ctx: StepContext, step: str) -> Iterator[None]:
    """Name the run in every line of the log and in traces, while one of its steps runs."""
    claim = ctx.claim
    about = {pipeline.subject.name: str(claim.subject_id), "request_id": claim.request_id, "run": str(claim.run_id)}
    with (
        structlog.contextvars.bound_contextvars(**about, step=step, host=ctx.host),
        spans.step(pipeline.task_name(step), ctx, subject=pipeline.subject.name),
    ):
        yield


def on_host(ctx: StepContext) -> AbstractContextManager[None]:
    """Hold the host's own lock on the subject. Raises LockTimeout when a step that lost its lease is still busy."""
    if ctx.drivers is None:
        return nullcontext()
    if not ctx.claim.also:
        return config.subjects.hold(config.lock_name(ctx.here, *ctx.subject), settings.LOCK_WAIT_SECONDS)
    return _all_on_host(ctx)


@contextmanager
def _all_on_host(ctx: StepContext) -> Iterator[None]:
    """The host's own locks on several subjects, in one order."""
    with ExitStack() as stack:
        for subject in sorted((ctx.subject, *ctx.claim.also)):
            stack.enter_context(config.subjects.hold(config.lock_name(ctx.here, *subject), settings.LOCK_WAIT_SECONDS))
        yield


@contextmanager
def on_host_or_rows_only(ctx: StepContext) -> Iterator[None]:
    """A hung step may keep the host's lock for ever: then only rows are undone, and recovery clears the host."""
    with ExitStack() as stack:
        try:
            stack.enter_context(on_host(ctx))
        except LockTimeout:
            log.warning("host lock is held by a hung step: rows only")
            ctx.drivers = None
        yield


def release_lock(claim: Claim) -> None:
    """Unlock after a lost lease. A session that cannot unlock is closed, and its locks go with it."""
    try:
        leases.unlock(subject_type=claim.subject_type, subject_id=claim.subject_id)
        claims.unlock_all(claim.also)
    except (InterfaceError, DatabaseError):
        connection.close()
        log.info("lock went with its session")
