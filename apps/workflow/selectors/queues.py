"""Queues, counted from rows: waiting and running steps, and the oldest wait. The broker is not asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.workflow.sql import queues as sql


@dataclass(frozen=True, slots=True)
class Queue:
    """``oldest_at``: when the step that waits longest was sent; None when none waits. ``delayed`` wait for their
    ``not_before``.
    """

    name: str
    waiting: int
    running: int
    delayed: int
    oldest_at: datetime | None
    age_seconds: float


def busy(*, names: Sequence[str] | None = None) -> list[Queue]:
    """Return the queues of runs that have not ended, the longest first, or of those the ones named. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.QUEUES, {"queues": None if names is None else list(names)})
        return [Queue(*row) for row in cursor.fetchall()]
