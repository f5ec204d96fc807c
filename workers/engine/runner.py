"""A step's life: claim, hold, execute, finish; and on failure the revert. See docs/engine.md."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import structlog
from django.db import connection, transaction

from apps.workflow import states
from apps.workflow.services import leases
from workers import routing
from workers.engine import holding, revert, stopping
from workers.engine.errors import LeaseLost, Stale, StepFailed, TooLong, failure_of
from workers.engine.pipeline import Pipeline
from workers.engine.steps import HOST, SCHEDULER, Step, StepContext
from workers.system.locks import LockTimeout

log = structlog.get_logger("celerity.engine")


def run_step(pipeline: Pipeline, step: Step[Any], message: dict[str, Any], drivers: Any) -> dict[str, Any] | None:
    """Run one step for one message; return the message for the next link, or None if the step continues elsewhere.

    Raises Stale when the chain must not go on from here: a stale message or a lost lease; StepFailed after a failure,
    whose revert is under way or done.
    """
    claim = holding.take(pipeline, step.name, step.timeout_seconds, message, step.claim_arguments())
    ctx = holding.context_of(pipeline, step.role, claim, message, drivers)
    with holding.bound(pipeline, ctx, step.name):
        try:
            with _working(step, ctx):
                step.begin(ctx)
                result = step.execute(ctx)
            done = _finish(pipeline, step, ctx, result)
        except TooLong:
            _continue_long(ctx)
            return None
        except (LeaseLost, LockTimeout):
            holding.release_lock(claim)
            raise Stale from None
        except Exception as error:
            if not connection.is_usable():
                # The lock went with the session: the sweeper sends the step again.
                log.warning("database session lost", error=type(error).__name__)
                raise Stale from None
            if ctx.stop.is_set():  # who took the run away has ordered its revert or its delete
                holding.release_lock(claim)
                raise Stale from None
            revert.fail(pipeline, step, ctx, error)
            failure, _ = failure_of(error)
            raise StepFailed(f"{failure.cause}: {failure.message}") from None
        if not done:
            holding.release_lock(claim)
            raise Stale
        log.info("step done")
        return _for_next(pipeline, message, ctx)


@contextmanager
def _working(step: Step[Any], ctx: StepContext) -> Iterator[None]:
    """Hold the host's own lock for the block; watch a long step's run."""
    with ExitStack() as stack:
        stack.enter_context(holding.on_host_or_rows_only(ctx) if step.rows_only_when_hung else holding.on_host(ctx))
        if step.long or ctx.is_long:
            stack.enter_context(stopping.WATCH.watched(ctx))
        yield


def _continue_long(ctx: StepContext) -> None:
    """Send the step to its host's queue of long steps, with the rest of its chain."""
    if not leases.hand_over(claim=ctx.claim, queue=routing.queue_of(ctx.here, long=True)):
        holding.release_lock(ctx.claim)
        raise Stale
    log.info("step continues in the queue of long steps")
    revert.send(ctx)


def run_revert(pipeline: Pipeline, message: dict[str, Any], drivers: Any) -> None:
    """Serve a revert message: the worker that began it died, a deadline passed, or another host's part is undone."""
    claim = holding.take(pipeline, states.REVERT, None, message)
    ctx = holding.context_of(pipeline, states.REVERT, claim, message, drivers)
    ctx.failure = leases.Failure(
        cause=claim.error_cause, message=claim.error_message, details=claim.error_details, code=claim.error_code or 500
    )
    ctx.final, ctx.blames_host = not claim.retrying, claim.retrying
    with holding.bound(pipeline, ctx, states.REVERT):
        revert.revert(pipeline, ctx)


def _finish(pipeline: Pipeline, step: Step[Any], ctx: StepContext, result: Any) -> bool:
    """One transaction: results, step row, the run's next step."""
    following = pipeline.following(step.name)
    if not step.records:
        return _move_on(pipeline, ctx, following)
    with transaction.atomic():
        step.record(ctx, result)
        # Before the run moves: that statement releases the lease, whether or not this commits.
        step.record_shared(ctx)
        done = _move_on(pipeline, ctx, following)
        if not done:
            transaction.set_rollback(True)
    return done


def _move_on(pipeline: Pipeline, ctx: StepContext, following: Step[Any] | None) -> bool:
    if not pipeline.has_hosts:
        host, hosts = ctx.hosts[HOST], None
    else:
        host, hosts = "" if following is None else ctx.hosts.get(following.role, ""), ctx.hosts
    if following is None:
        return leases.end(claim=ctx.claim, state=states.SUCCEEDED, host=host or ctx.claim.host)
    served_at = host if following.role != SCHEDULER else ""
    queue = routing.queue_of(served_at, long=following.long, unreachable=ctx.unreachable)
    return leases.advance(claim=ctx.claim, next_step=following.name, host=host, queue=queue, hosts=hosts)


def _for_next(pipeline: Pipeline, message: dict[str, Any], ctx: StepContext) -> dict[str, Any]:
    """Return the message for the next link: it follows the hosts that this step has chosen."""
    following = {**message, "hosts": ctx.hosts} if pipeline.has_hosts else {**message, "host": ctx.hosts[HOST]}
    following.pop("long", None)
    return following
