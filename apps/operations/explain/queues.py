"""A run's position in its queue, and the workers that read that queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from apps.common.broker import Broker
from apps.workflow import states
from apps.workflow.selectors import runs
from apps.workflow.services import claims

if TYPE_CHECKING:
    from apps.workflow.models import Run

ASK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePosition:
    """``ahead`` counts the runs queued before this one. ``messages`` is None when the broker does not answer.

    ``readers`` are the workers that report this queue, None if they were not asked: of long steps no worker reports a
    queue, and their host's heartbeat says whether they are served. ``holder`` is the process ID of the
    database session that holds the subject's lease, or None.
    """

    queue: str
    ahead: int
    messages: int | None
    readers: list[str] | None
    served_until: datetime | None
    holder: int | None


def is_of_host(run: "Run") -> bool:
    """Return whether the agent of the run's host reads its queue."""
    return bool(run.host) and run.queue in (states.host_queue(run.host), states.host_queue(run.host, long=True))


def is_long(run: "Run") -> bool:
    """Return whether it is the queue of the host's long steps."""
    return bool(run.host) and run.queue == states.host_queue(run.host, long=True)


def position_of(run: "Run", *, ask_workers: bool) -> QueuePosition:
    """Return the position of an active run: 3 queries, a call to the broker, and up to 1 s for the workers' answers."""
    messages = _messages(run.queue)
    return QueuePosition(
        queue=run.queue,
        ahead=runs.ahead_of(run=run),
        messages=messages,
        readers=_readers(run.queue) if ask_workers and messages is not None and not is_long(run) else None,
        served_until=runs.served_until(queue=run.queue, margin_seconds=0),
        holder=runs.held_locks().get(claims.lock_key(run.subject_type, run.subject_id)),
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
    return sorted(worker for worker, read in answers.items() if any(row["name"] == queue for row in read))
