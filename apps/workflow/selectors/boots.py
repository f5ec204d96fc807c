"""Builds of late: how many ended a minute, how long they took, and why some failed."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from apps.workflow import catalogue


@dataclass(frozen=True, slots=True)
class Minute:
    """Builds that ended within a minute; ``p95`` of those that succeeded, in seconds, from acceptance to the end."""

    at: datetime
    succeeded: int
    failed: int
    p95: float | None


# Minutes without an end have a row too. Nothing that ended within the hour began before the deadline of builds.
_MINUTES = """
WITH ended AS (
    SELECT date_trunc('minute', finished_at) AS minute, state,
           extract(epoch FROM finished_at - created_at)::float8 AS seconds
      FROM workflow_run
     WHERE pipeline = ANY(%(creating)s) AND state IN ('succeeded', 'failed')
       AND created_at > now() - make_interval(mins => %(minutes)s, secs => %(longest)s)
       AND finished_at > date_trunc('minute', now()) - make_interval(mins => %(minutes)s - 1))
SELECT minute, count(*) FILTER (WHERE state = 'succeeded'), count(*) FILTER (WHERE state = 'failed'),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE state = 'succeeded')
  FROM generate_series(date_trunc('minute', now()) - make_interval(mins => %(minutes)s - 1),
                       date_trunc('minute', now()), interval '1 minute') AS m(minute)
  LEFT JOIN ended USING (minute) GROUP BY minute ORDER BY minute
"""


def _window(minutes: int) -> dict[str, Any]:
    return {
        "minutes": minutes,
        "longest": settings.INSTANCE_BUILD_TIMEOUT * 2,
        "creating": catalogue.creating(),
    }


def by_minute(*, minutes: int = 60) -> list[Minute]:
    """Return the last ``minutes`` minutes, oldest first. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_MINUTES, _window(minutes))
        return [Minute(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Failures:
    """Runs that failed for one cause: how many, and the newest of them.

    Of a run that ended with no host left, the cause is that of its first failed attempt: ``step`` and its message.
    """

    cause: str
    step: str
    count: int
    newest_at: datetime
    run_id: uuid.UUID
    subject_id: uuid.UUID
    action: str
    message: str

    @property
    def title(self) -> str:
        return f"{self.step} failed" if self.step else self.cause or "unknown"


# Ids and numbers in messages do not make causes of their own.
_GROUPED = """
WITH failed AS (
    SELECT r.id, r.subject_id, r.action, r.created_at, r.error_cause AS cause, coalesce(s.name, '') AS step,
           coalesce(s.error_message, r.error_message) AS message
      FROM workflow_run r
      LEFT JOIN LATERAL (
           SELECT name, error_message FROM workflow_step
            WHERE run_id = r.id AND name <> 'schedule' AND direction = 'execute' AND error_message <> ''
            ORDER BY started_at, id LIMIT 1) s ON r.error_cause = 'NoValidHost'
     WHERE r.state = 'failed' AND r.created_at > now() - make_interval(hours => %(hours)s)
     ORDER BY r.created_at DESC LIMIT %(most)s)
SELECT CASE WHEN step = '' THEN cause ELSE '' END, step, count(*), max(created_at),
       (array_agg(id ORDER BY created_at DESC))[1], (array_agg(subject_id ORDER BY created_at DESC))[1],
       (array_agg(action ORDER BY created_at DESC))[1], (array_agg(message ORDER BY created_at DESC))[1]
  FROM failed
 GROUP BY 1, 2, CASE WHEN step = '' THEN '' ELSE regexp_replace(message, '[0-9a-f-]{36}|[0-9]+', '#', 'g') END
 ORDER BY 3 DESC, 4 DESC
"""


def grouped_failures(*, hours: int = 24, most: int = 20000) -> list[Failures]:
    """Return all runs that failed within ``hours``, grouped by cause, the most frequent first. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUPED, {"hours": hours, "most": most})
        return [Failures(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Late:
    """Builds that succeeded within the last ``minutes``: how many a minute, and their p95 in seconds; None of none."""

    minutes: int
    rate: float
    p95: float | None


_LATE = """
SELECT count(*), percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at)::float8)
  FROM workflow_run
 WHERE pipeline = ANY(%(creating)s) AND state = 'succeeded'
   AND created_at > now() - make_interval(mins => %(minutes)s, secs => %(longest)s)
   AND finished_at > now() - make_interval(mins => %(minutes)s)
"""


def of_late(*, minutes: int = 5) -> Late:
    """Return the rate and the p95 of one and the same window. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, _window(minutes))
        count, p95 = cursor.fetchone()
    return Late(minutes, round(count / minutes, 1), p95)
