"""Builds of late: how many ended a minute, how long they took, and why some failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from apps.workflow import states
from apps.workflow.models import Run


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
     WHERE pipeline = 'server.build' AND state IN ('succeeded', 'failed')
       AND created_at > now() - make_interval(mins => %(minutes)s, secs => %(longest)s)
       AND finished_at > date_trunc('minute', now()) - make_interval(mins => %(minutes)s - 1))
SELECT minute, count(*) FILTER (WHERE state = 'succeeded'), count(*) FILTER (WHERE state = 'failed'),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE state = 'succeeded')
  FROM generate_series(date_trunc('minute', now()) - make_interval(mins => %(minutes)s - 1),
                       date_trunc('minute', now()), interval '1 minute') AS m(minute)
  LEFT JOIN ended USING (minute) GROUP BY minute ORDER BY minute
"""


def by_minute(*, minutes: int = 60) -> list[Minute]:
    """Return the last ``minutes`` minutes, oldest first. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_MINUTES, {"minutes": minutes, "longest": settings.INSTANCE_BUILD_TIMEOUT * 2})
        return [Minute(*row) for row in cursor.fetchall()]


def last_failures(*, limit: int = 8, hours: int = 24) -> QuerySet[Run]:
    """Return the newest runs that failed, of any pipeline, within ``hours``."""
    since = timezone.now() - timedelta(hours=hours)
    rows = Run.objects.filter(state=states.FAILED, created_at__gt=since).order_by("-created_at")
    return rows.defer("params", "explanation", "error_details", "excluded_hosts")[:limit]


def causes(*, hours: int = 24) -> list[dict[str, Any]]:
    """Return {"error_cause", "count"} of all runs that failed within ``hours``, the most frequent first. 1 query."""
    since = timezone.now() - timedelta(hours=hours)
    rows = Run.objects.filter(state=states.FAILED, created_at__gt=since).order_by()
    return list(rows.values("error_cause").annotate(count=Count("id")).order_by("-count", "error_cause"))


@dataclass(frozen=True, slots=True)
class Late:
    """Builds that succeeded within the last ``minutes``: how many a minute, and their p95 in seconds; None of none."""

    minutes: int
    rate: float
    p95: float | None


_LATE = """
SELECT count(*), percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at)::float8)
  FROM workflow_run
 WHERE pipeline = 'server.build' AND state = 'succeeded'
   AND created_at > now() - make_interval(mins => %(minutes)s, secs => %(longest)s)
   AND finished_at > now() - make_interval(mins => %(minutes)s)
"""


def of_late(*, minutes: int = 5) -> Late:
    """Return the rate and the p95 of one and the same window. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, {"minutes": minutes, "longest": settings.INSTANCE_BUILD_TIMEOUT * 2})
        count, p95 = cursor.fetchone()
    return Late(minutes, round(count / minutes, 1), p95)
