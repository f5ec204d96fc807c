"""A step in a trace: how long it waited, its work, and its host's drivers. Does nothing without tracing."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from apps.common import tracing
from workers.engine.steps import StepContext

DRIVERS = ("hypervisor", "network", "storage", "volume", "backup")


def step(name: str, ctx: StepContext, *, subject: str) -> AbstractContextManager[None]:
    """Record how long the step waited in its queue; return the span of its work. Both are below the run's request."""
    if not tracing.enabled():
        return nullcontext()
    claim = ctx.claim
    parent = tracing.parent_of(claim.params)
    about: dict[str, str | int] = {
        "run": str(claim.run_id),
        subject: str(claim.subject_id),
        "request_id": claim.request_id,
        "attempt": claim.attempt,
        "host": ctx.host,
    }
    tracing.waited(f"{name} waiting", parent=parent, seconds=claim.waited_seconds, **about)
    return tracing.span(name, parent=parent, waited_ms=round(claim.waited_seconds * 1000), **about)


def traced(drivers: Any) -> Any:
    """Return a host's drivers, each call of which is a span."""
    if drivers is None or not tracing.enabled():
        return drivers
    return replace(drivers, **{kind: tracing.Traced(kind, getattr(drivers, kind)) for kind in DRIVERS})
