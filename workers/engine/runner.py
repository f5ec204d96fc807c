"""A step's life: claim, hold, execute, finish; and on failure the revert. See docs/engine.md."""

from typing import Any

import structlog
from django.db import connection, transaction

from apps.workflow import states
from apps.workflow.services import leases
from workers import routing
from workers.engine import holding, revert
from workers.engine.errors import LeaseLost, Stale, StepFailed, failure_of
from workers.engine.pipeline import Pipeline
from workers.engine.steps import Step, StepContext
from workers.system.locks import LockTimeout

log = structlog.get_logger("celerity.engine")


def run_step(pipeline: Pipeline, step: Step[Any], message: dict[str, Any], drivers: Any) -> dict[str, Any]:
    """Run one step for one message; return the message for the next link.

    Raises Stale when the chain must not go on from here: a stale message or a lost lease; StepFailed after a failure,
    whose revert is under way or done.
    """
    claim = holding.take(step.name, step.timeout_seconds, message, step.claim_arguments())
    ctx = holding.context_of(claim, message, drivers)
    with holding.bound(pipeline, ctx, step.name):
        try:
            with holding.on_host_or_rows_only(ctx) if step.rows_only_when_hung else holding.on_host(ctx):
                step.begin(ctx)
                result = step.execute(ctx)
            done = _finish(pipeline, step, ctx, result)
        except (LeaseLost, LockTimeout):
            holding.let_go(claim)
            raise Stale from None
        except Exception as error:
            if not connection.is_usable():
                # The lock went with the session; whoever sweeps sends the step again.
                log.warning("database session lost", error=type(error).__name__)
                raise Stale from None
            revert.fail(pipeline, step, ctx, error)
            failure, _ = failure_of(error)
            raise StepFailed(f"{failure.cause}: {failure.message}") from None
        if not done:
            holding.let_go(claim)
            raise Stale
        log.info("step done")
        return {**message, "host": ctx.host}


def run_revert(pipeline: Pipeline, message: dict[str, Any], drivers: Any) -> None:
    """Serve a revert message: the worker that began it died, or a deadline passed. Every step is undone."""
    claim = holding.take(states.REVERT, None, message)
    ctx = holding.context_of(claim, message, drivers)
    ctx.failure = leases.Failure(
        cause=claim.error_cause, message=claim.error_message, details=claim.error_details, code=claim.error_code or 500
    )
    ctx.final, ctx.blames_host = not claim.retrying, claim.retrying
    with holding.bound(pipeline, ctx, states.REVERT):
        revert.revert(pipeline, pipeline.steps, ctx)


def _finish(pipeline: Pipeline, step: Step[Any], ctx: StepContext, result: Any) -> bool:
    """One transaction: results, step row, the run's next step."""
    names = pipeline.step_names()
    following = names[names.index(step.name) + 1] if step.name != names[-1] else None
    if not step.records:
        return _move_on(pipeline, ctx, following)
    with transaction.atomic():
        step.record(ctx, result)
        # Before the run moves, for with that statement the lease goes, whether or not this commits.
        step.record_shared(ctx)
        done = _move_on(pipeline, ctx, following)
        if not done:
            transaction.set_rollback(True)
    return done


def _move_on(pipeline: Pipeline, ctx: StepContext, following: str | None) -> bool:
    if following is None:
        return leases.end(claim=ctx.claim, state=states.SUCCEEDED, host=ctx.host)
    queue = routing.DETACHED_QUEUE if ctx.detached else pipeline.queue_for(following, ctx.host)
    return leases.advance(claim=ctx.claim, next_step=following, host=ctx.host, queue=queue)
