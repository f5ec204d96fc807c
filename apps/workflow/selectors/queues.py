"""Queues as the rows tell them: what waits, since when, and what is at work. The broker is not asked."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True)
class Queue:
    """``oldest_at``: when the step that waits longest was sent; None when none waits. ``delayed`` wait on purpose."""

    name: str
    waiting: int
    running: int
    delayed: int
    oldest_at: datetime | None
    age_seconds: float


_QUEUES = """
SELECT queue, count(*) FILTER (WHERE waits), count(*) FILTER (WHERE step_state = 'running'),
       count(*) FILTER (WHERE step_state = 'queued' AND NOT waits), min(enqueued_at) FILTER (WHERE waits),
       coalesce(extract(epoch FROM clock_timestamp() - min(enqueued_at) FILTER (WHERE waits)), 0)::float8
  FROM (SELECT queue, step_state, coalesce(waiting_since, enqueued_at) AS enqueued_at,
               step_state = 'queued' AND (not_before IS NULL OR not_before <= clock_timestamp()) AS waits
          FROM workflow_run WHERE state IN ('queued', 'running', 'reverting')
           AND (%(queue)s::text IS NULL OR queue = %(queue)s)) r
 GROUP BY queue ORDER BY 2 DESC, queue LIMIT 200
"""


def busy(*, queue: str | None = None) -> list[Queue]:
    """Return the queues of runs that have not ended, the longest first (or the one named). 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_QUEUES, {"queue": queue})
        return [Queue(*row) for row in cursor.fetchall()]
