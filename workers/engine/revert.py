"""Undoing: what a failed step did is reverted at once; then the run ends, or its next attempt starts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.common import dispatch, tracing
from apps.workflow import states
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import leases
from workers.engine import holding
from workers.engine.errors import LeaseLost, failure_of
from workers.engine.pipeline import Pipeline
from workers.engine.steps import HOST, Step, StepContext

log = structlog.get_logger("celerity.engine")
RETRY_DELAY_SECONDS = 2.0


def fail(pipeline: Pipeline, step: Step[Any], ctx: StepContext, error: Exception) -> None:
    """A step failed: decide whether there is another attempt, and revert at once while the lock is held."""
    failure, retryable = failure_of(error)
    retrying = retryable and ctx.claim.attempt < settings.MAX_ATTEMPTS
    tracing.failed(failure.cause)
    log.warning(
        "step failed", cause=failure.cause, error=failure.message, details=failure.details[:2000], retrying=retrying
    )
    opened = leases.begin_revert(
        claim=ctx.claim,
        failure=failure,
        retrying=retrying,
        timeout_seconds=settings.STEP_TIMEOUT,
        worker=holding.WORKER,
    )
    if opened is None:
        holding.let_go(ctx.claim)
        return
    ctx.claim = replace(ctx.claim, step_id=opened, retrying=retrying)
    ctx.failure, ctx.final, ctx.blames_host = failure, not retrying, retryable and step.where == HOST
    revert(pipeline, pipeline.steps[: pipeline.index(step.name) + 1], ctx)


def revert(pipeline: Pipeline, steps: Sequence[Step[Any]], ctx: StepContext) -> None:
    """Undo ``steps`` in reverse order, then end the run or start its next attempt.

    A revert that fails is logged and does not keep the others from running: what it left is for the reconcilers.
    """
    try:
        with holding.on_host_or_rows_only(ctx):
            for step in reversed(steps[1:]):
                _revert_one(step, ctx)
            _close(pipeline, steps[0], ctx)
    except LeaseLost:
        holding.let_go(ctx.claim)


def _revert_one(step: Step[Any], ctx: StepContext) -> None:
    try:
        step.revert(ctx)
    except LeaseLost:
        raise
    except Exception as error:
        if not connection.is_usable():
            raise LeaseLost from None
        log.exception("revert failed", reverted=step.name, error=str(error)[:500])


def _close(pipeline: Pipeline, first: Step[Any], ctx: StepContext) -> None:
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
        holding.let_go(claim)
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
