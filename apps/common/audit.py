"""The audit trail: a row in the transaction that makes the change, and a line in the log ``celerity.audit``.

``initiator`` binds the caller to the request when its token is checked; every log line of the request has it too.
For a delegated token, the row's details name the ``credential``: its type and ID, and for a trust both users, because
its tokens may name the trustor (CADF: ``initiator.credential``).
Rows hold names and IDs only, never a value from the request.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from apps.common.exceptions import CloudError
from apps.common.models import AuditEvent
from apps.common.sql.inserts import Inserts

SUCCESS, FAILURE = AuditEvent.Outcome.SUCCESS, AuditEvent.Outcome.FAILURE
_EVENTS = Inserts("common_audit_event", AuditEvent)
log = structlog.get_logger("celerity.audit")
PRUNE_BATCH = 1000
_WHO = ("user_id", "user_name", "project_id", "address", "request_id")
_MACHINE = "operator on this machine"  # runs manage.py there; not a user of the cloud


def initiator(
    *,
    user_id: str | None,
    user_name: str,
    project_id: str | None,
    address: str,
    credential: Mapping[str, str] | None = None,
) -> None:
    """Bind the caller to the current request. RequestMiddleware clears it before the next one.

    ``credential`` is recorded as ``details.credential`` of each event if the token is delegated.
    """
    structlog.contextvars.bind_contextvars(
        user_id=user_id or "", user_name=user_name, project_id=project_id or "", address=address
    )
    structlog.contextvars.unbind_contextvars("credential")
    if credential:
        structlog.contextvars.bind_contextvars(credential=dict(credential))


@contextmanager
def by_command() -> Iterator[None]:
    """Record the events of the block as those of the operator who runs a command on this machine."""
    with structlog.contextvars.bound_contextvars(user_id="", user_name=_MACHINE, project_id="", address=""):
        yield


def _event(action: str, target_type: str, target_id: object, outcome: str, who: dict[str, Any]) -> AuditEvent:
    bound = {**structlog.contextvars.get_contextvars(), **who}
    known = {name: str(bound.get(name) or "") for name in _WHO}
    event = AuditEvent(action=action, target_type=target_type, target_id=str(target_id)[:255], outcome=outcome, **known)
    event.details = {"credential": bound["credential"]} if bound.get("credential") else {}
    event.user_name, event.address = event.user_name[:255], event.address[:64]
    return event


def _log_events(events: Iterable[AuditEvent]) -> None:
    """Write the log lines after the change is committed."""
    for event in events:
        log.info(
            "audit",
            event_type="activity",
            action=event.action,
            outcome=event.outcome,
            target_type=event.target_type,
            target_id=event.target_id,
            **{name: getattr(event, name) for name in _WHO},
            **({"details": event.details} if event.details else {}),
        )


def record(
    action: str,
    target_type: str,
    target_id: object,
    *,
    outcome: str = SUCCESS,
    details: dict[str, Any] | None = None,
    **who: str,
) -> None:
    """Write one event. ``who`` replaces the request's bound values (a sign-in knows its user only at the end)."""
    event = _event(action, target_type, target_id, outcome, who)
    event.details = {**event.details, **(details or {})}
    _EVENTS.add([event])
    transaction.on_commit(lambda: _log_events([event]))


def record_many(action: str, target_type: str, target_ids: Iterable[object]) -> None:
    """Write one event for each target, in one statement."""
    events = [_event(action, target_type, target_id, SUCCESS, {}) for target_id in target_ids]
    _EVENTS.add(events)
    transaction.on_commit(lambda: _log_events(events))


@contextmanager
def action(name: str, target_type: str, target_id: object) -> Iterator[None]:
    """Record the block's outcome: success, or failure with the kind of refusal."""
    try:
        yield
    except CloudError as error:
        record(name, target_type, target_id, outcome=FAILURE, details={"reason": error.kind, "code": error.code})
        raise
    record(name, target_type, target_id)


def prune(*, days: int) -> int:
    """Delete events older than ``days``, in batches along the key, which grows with time. Returns how many."""
    limit, removed = timezone.now() - timedelta(days=days), 0
    while True:
        oldest = AuditEvent.objects.order_by("id").values_list("id", "at")[:PRUNE_BATCH]
        old = [key for key, at in oldest if at < limit]
        removed += AuditEvent.objects.filter(id__in=old).delete()[0]
        if len(old) < PRUNE_BATCH:
            return removed


def failures_of(*, target_id: str, seconds: int, limit: int) -> int:
    """Return how many of the newest ``limit`` events about an object are failures of the last ``seconds``. 1 query."""
    newest = AuditEvent.objects.filter(target_id=target_id).order_by("-id").values_list("outcome", "at")[:limit]
    since = timezone.now() - timedelta(seconds=seconds)
    return sum(1 for outcome, at in newest if outcome == FAILURE and at >= since)


def of_target(*, target_id: object, limit: int) -> list[AuditEvent]:
    """Return the newest ``limit`` events of one object, oldest first. 1 query."""
    return list(AuditEvent.objects.filter(target_id=str(target_id)).order_by("-id")[:limit])[::-1]
