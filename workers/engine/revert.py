"""Reverts: a failed run is reverted at once; then it ends, or its next attempt starts.

The steps of one host are reverted by one worker, under one lease. Where the steps before them ran on another host, the
run moves on to that host's queue and is reverted there from ``revert_from`` on.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.common import dispatch, tracing
from apps.scheduling.selectors import hosts
from apps.workflow import states
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import leases
from workers import routing
from workers.engine import holding
from workers.engine.errors import LeaseLost, failure_of
from workers.engine.pipeline import Pipeline
from workers.engine.steps import HOST, SCHEDULER, Step, StepContext

log = structlog.get_logger("celerity.engine")
RETRY_DELAY_SECONDS = 2.0


def fail(pipeline: Pipeline, step: Step[Any], ctx: StepContext, error: Exception) -> None:
    """A step failed: decide whether there is another attempt, and revert at once while the lock is held.

    Behind the pivot, or at one whose work is done, the step is tried again and nothing is reverted.
    """
    failure, retryable = failure_of(error)
    forward = pipeline.is_behind_pivot(step.name) or (step.name == pipeline.pivot and _has_passed(step, ctx))
    retrying = retryable and _tries(step, ctx, forward=forward) < settings.MAX_ATTEMPTS
    tracing.failed(failure.cause)
    log.warning(
        "step failed", cause=failure.cause, error=failure.message, details=failure.details[:2000], retrying=retrying
    )
    if forward and retrying:
        _repeat(step, ctx, failure)
        return
    opened = leases.begin_revert(
        claim=ctx.claim,
        failure=failure,
        retrying=retrying,
        queue=routing.queue_of(ctx.here, unreachable=ctx.unreachable),
        timeout_seconds=settings.STEP_TIMEOUT,
        worker=holding.WORKER,
    )
    if opened is None:
        holding.release_lock(ctx.claim)
        return
    ctx.claim = replace(ctx.claim, step_id=opened, retrying=retrying, failed_step=step.name, revert_from="")
    ctx.failure, ctx.final, ctx.blames_host = failure, not retrying, retryable and step.role != SCHEDULER
    revert(pipeline, ctx)


def _has_passed(step: Step[Any], ctx: StepContext) -> bool:
    """Ask the pivot. One that cannot say it is repeated: nothing is reverted that may be done."""
    try:
        return step.has_passed(ctx)
    except Exception as error:
        log.warning("nobody knows whether the step is done", error=f"{type(error).__name__}: {error}"[:500])
        return True


def _tries(step: Step[Any], ctx: StepContext, *, forward: bool) -> int:
    """Return how often was tried what would be tried again: the step alone, or the run up to here."""
    if not forward:
        return ctx.claim.attempt
    return 1 + run_selectors.failures_of(run_id=ctx.claim.run_id, step=step.name)


def _repeat(step: Step[Any], ctx: StepContext, failure: leases.Failure) -> None:
    """Try the step again after a delay."""
    repeated = leases.repeat(
        claim=ctx.claim,
        failure=failure,
        host=ctx.claim.host,
        queue=routing.queue_of(ctx.here, long=step.long, unreachable=ctx.unreachable),
        not_before=timezone.now() + timedelta(seconds=RETRY_DELAY_SECONDS),
    )
    if not repeated:
        holding.release_lock(ctx.claim)


def revert(pipeline: Pipeline, ctx: StepContext) -> None:
    """Revert the claim's steps in reverse order; then end the run or start its next attempt.

    A failed revert is logged and does not stop the others: reconcilers repair its leftovers.
    """
    try:
        with holding.on_host_or_rows_only(ctx):
            for step in pipeline.undone(ctx.claim.failed_step, revert_from=ctx.claim.revert_from):
                if pipeline.has_hosts and _is_elsewhere(step, ctx):
                    _move(step, ctx)
                    return
                ctx.role = step.role
                if not ctx.on_host and step.asks_host(ctx):
                    _wait_for(step, ctx)
                    return
                if step is not pipeline.steps[0] and _revert_one(step, ctx) and step.name == pipeline.pivot:
                    _go_on(pipeline, ctx)
                    return
            _close(pipeline, ctx)
    except LeaseLost:
        holding.release_lock(ctx.claim)


def _is_elsewhere(step: Step[Any], ctx: StepContext) -> bool:
    host = ctx.hosts.get(step.role, "")
    return bool(host) and host not in (ctx.here, ctx.unreachable)


def _move(step: Step[Any], ctx: StepContext) -> None:
    """Let the host of ``step`` go on with the revert."""
    host = ctx.hosts[step.role]
    moved = leases.move_revert(claim=ctx.claim, revert_from=step.name, host=host, queue=routing.queue_of(host))
    if moved:
        send(ctx)
    else:
        holding.release_lock(ctx.claim)


def _wait_for(step: Step[Any], ctx: StepContext) -> None:
    """Nobody but the host of ``step`` knows what to revert: it goes on there, as soon as that answers. The sweeper asks
    again.
    """
    if not hosts.is_up(ctx.host):
        raise LeaseLost
    _move(step, ctx)


def _revert_one(step: Step[Any], ctx: StepContext) -> bool:
    """Revert a step; return whether it is done all the same."""
    try:
        return bool(step.revert(ctx))
    except LeaseLost:
        raise
    except Exception as error:
        if not connection.is_usable():
            raise LeaseLost from None
        log.exception("revert failed", reverted=step.name, error=str(error)[:500])
        return False


def _go_on(pipeline: Pipeline, ctx: StepContext) -> None:
    """The pivot is done as far as anybody knows: go on with the step behind it."""
    following = pipeline.following(pipeline.pivot or "")
    if following is None:
        done = leases.end(claim=ctx.claim, state=states.SUCCEEDED, host=ctx.claim.host)
    else:
        host = ctx.hosts.get(HOST if following.role == SCHEDULER else following.role, "")
        done = leases.restart(
            claim=ctx.claim,
            next_step=following.name,
            host=host,
            hosts=ctx.hosts if pipeline.has_hosts else {},
            queue=routing.queue_of("" if following.role == SCHEDULER else host, long=following.long),
            excluded=ctx.claim.excluded_hosts,
            not_before=None,
        )
    if not done:
        holding.release_lock(ctx.claim)
    elif following is not None:
        send(ctx)


def _close(pipeline: Pipeline, ctx: StepContext) -> None:
    """The first step's revert marks the subject; it and the run's end are one transaction.

    Behind the pivot nothing is undone: the step that failed was given up, and is reverted alone.
    """
    claim = ctx.claim
    forward = pipeline.is_behind_pivot(claim.failed_step)
    last = pipeline.steps[pipeline.index(claim.failed_step) if forward else 0]
    ctx.final, ctx.role = ctx.final or forward, last.role
    with transaction.atomic():
        last.revert(ctx)
        if ctx.final:
            cancelled = ctx.failure is not None and ctx.failure.cause == states.BY_OPERATOR
            state = states.CANCELLED if cancelled else states.FAILED
            done = leases.end(claim=claim, state=state, host=ctx.host if not pipeline.has_hosts else claim.host)
        else:
            done = _restart(pipeline, ctx)
        if not done:
            transaction.set_rollback(True)
    if not done:
        holding.release_lock(claim)
    elif not ctx.final and pipeline.reschedules:
        send(ctx)


def send(ctx: StepContext) -> None:
    """Send the step that the run is at."""
    run = run_selectors.get(run_id=ctx.claim.run_id)
    if run is not None:
        dispatch.send(run)


def _restart(pipeline: Pipeline, ctx: StepContext) -> bool:
    """Begin the next attempt at the first step; a pipeline that reschedules leaves the host it had chosen."""
    first, excluded, delay = pipeline.steps[0], ctx.claim.excluded_hosts, None
    if pipeline.reschedules:
        left = ctx.hosts.pop(pipeline.chooses, "")
        if left and _may_be_at_fault(pipeline, ctx):
            excluded = [*excluded, left]
    else:
        delay = timezone.now() + timedelta(seconds=RETRY_DELAY_SECONDS)
    host = ctx.hosts.get(HOST if first.role == SCHEDULER else first.role, "")
    return leases.restart(
        claim=ctx.claim,
        next_step=first.name,
        host=host,
        hosts=ctx.hosts if pipeline.has_hosts else {},
        queue=routing.queue_of("" if first.role == SCHEDULER else host, long=first.long),
        excluded=excluded,
        not_before=delay,
    )


def _may_be_at_fault(pipeline: Pipeline, ctx: StepContext) -> bool:
    """Whether the chosen host may be the reason: not where the step that failed ran on another one."""
    failed = ctx.claim.failed_step
    return not failed or pipeline.steps[pipeline.index(failed)].role in (pipeline.chooses, SCHEDULER)
