"""Where a run stands in its queue, and whether anybody reads that queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.common.broker import Broker
from apps.workflow.selectors import runs
from apps.workflow.services import claims

ASK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``ahead`` runs were queued before this one. ``messages`` is None when the broker does not answer.

    ``readers`` are the workers that say they read the queue, None when nobody was asked. ``holder`` is the database
    session that works on the server (its process id there), None when none does.
    """

    queue: str
    ahead: int
    messages: int | None
    readers: list[str] | None
    served_until: datetime | None
    holder: int | None


def place_of(run: Any, *, ask_workers: bool) -> Place:
    """Look at the queue of a run that is under way: 3 queries, the broker, and up to a second for workers' answers."""
    messages = _messages(run.queue)
    return Place(
        queue=run.queue,
        ahead=runs.ahead_of(run=run),
        messages=messages,
        readers=_readers(run.queue) if ask_workers and messages is not None else None,
        served_until=runs.served_until(queue=run.queue, margin_seconds=0),
        holder=runs.held_locks().get(claims.lock_key(run.subject_id)),
    )


def _messages(queue: str) -> int | None:
    try:
        with Broker() as broker:
            return broker.length(queue)
    except Exception:  # any transport's own error types
        return None


def _readers(queue: str) -> list[str] | None:
    from celery import current_app

    try:
        answers = current_app.control.inspect(timeout=ASK_SECONDS).active_queues() or {}
    except Exception:  # any transport's own error types
        return None
    return sorted(worker for worker, read in answers.items() if any(one["name"] == queue for one in read))
