"""What happened since the cloud began, as counters: runs, boots, and how long steps waited and worked.

Nothing is counted while a server boots: its rows are the count. Rows of runs that began up to a moment (the tally
``counted_until``, microseconds since 1970) are in the tallies already, by ``services/counters.py``; the newer ones are
counted when somebody asks. So a counter never goes down when old runs are deleted, and asking reads some minutes' rows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from apps.workflow import catalogue
from apps.workflow.models import Tally

COUNTED_UNTIL = "counted_until"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Upper bounds in seconds. They are in the tallies' labels: with other bounds, what was counted keeps the old ones.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
ROUNDS = 5

# (name, label, value) of what runs that began within the window have done. Times of a step that was lost or taken
# away say nothing: only its result counts.
COUNTED = """
WITH ended AS MATERIALIZED (
    SELECT pipeline, state, left(regexp_replace(error_cause, '[^A-Za-z0-9_.-]', '', 'g'), 48) AS cause,
           greatest(extract(epoch FROM finished_at - created_at), 0)::float8 AS seconds
      FROM workflow_run
     WHERE created_at > %(since)s AND created_at <= %(until)s AND state IN ('succeeded', 'failed', 'cancelled')),
boots AS (SELECT * FROM ended WHERE pipeline = ANY(%(creating)s)),
steps AS MATERIALIZED (
    SELECT r.pipeline || ' ' || s.name AS step, s.result, s.result IN ('success', 'error', 'retry') AS timed,
           greatest(extract(epoch FROM s.started_at - coalesce(s.waiting_since, s.enqueued_at)), 0)::float8 AS waiting,
           greatest(extract(epoch FROM s.finished_at - s.started_at), 0)::float8 AS working
      FROM workflow_run r JOIN workflow_step s ON s.run_id = r.id
     WHERE r.created_at > %(since)s AND r.created_at <= %(until)s AND s.result <> ''),
boot_times AS (
    SELECT seconds, (%(bounds)s::float8[])[width_bucket(seconds, %(bounds)s::float8[]) + 1] AS bound
      FROM boots WHERE state = 'succeeded'),
step_times AS (
    SELECT step, waiting, working,
           (%(bounds)s::float8[])[width_bucket(waiting, %(bounds)s::float8[]) + 1] AS waited,
           (%(bounds)s::float8[])[width_bucket(working, %(bounds)s::float8[]) + 1] AS worked
      FROM steps WHERE timed)
SELECT 'runs' AS name, pipeline || ' ' || state AS label, count(*) AS value FROM ended GROUP BY 2
UNION ALL SELECT 'boots', state || ' ' || cause, count(*) FROM boots GROUP BY 2
UNION ALL SELECT 'boot_seconds', coalesce(bound::text, 'inf'), count(*) FROM boot_times GROUP BY 2
UNION ALL SELECT 'boot_ms', '', round(sum(seconds) * 1000)::bigint FROM boot_times HAVING count(*) > 0
UNION ALL SELECT 'steps', step || ' ' || result, count(*) FROM steps GROUP BY 2
UNION ALL SELECT 'step_waiting', step || ' ' || coalesce(waited::text, 'inf'), count(*) FROM step_times GROUP BY 2
UNION ALL SELECT 'step_waiting_ms', step, round(sum(waiting) * 1000)::bigint FROM step_times GROUP BY 2
UNION ALL SELECT 'step_working', step || ' ' || coalesce(worked::text, 'inf'), count(*) FROM step_times GROUP BY 2
UNION ALL SELECT 'step_working_ms', step, round(sum(working) * 1000)::bigint FROM step_times GROUP BY 2
"""
_ALL = f"""
SELECT name, label, sum(value)::bigint FROM (
    SELECT name, label, value FROM workflow_tally UNION ALL SELECT * FROM ({COUNTED}) counted) t
 GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - nothing but our own statement is put in


def window(since: datetime, until: datetime | None = None) -> dict[str, Any]:
    """Return the values that ``COUNTED`` wants; without ``until`` up to now."""
    return {
        "since": since,
        "until": until or "infinity",
        "bounds": list(BOUNDS),
        "creating": catalogue.creating(),
    }


def moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def everything() -> dict[str, Mapping[str, int]]:
    """Return name -> label -> count of all tallies and of what is newer than they are. 2 queries.

    The moment is asked first and given to the planner as a value, which lets it use the index. Should the tallies
    have moved on in between, it is asked again.
    """
    until = Tally.objects.filter(name=COUNTED_UNTIL).values_list("value", flat=True).first() or 0
    found: dict[str, dict[str, int]] = {}
    for _ in range(ROUNDS):
        found = {}
        with connection.cursor() as cursor:
            cursor.execute(_ALL, window(moment(until)))
            for name, label, value in cursor.fetchall():
                found.setdefault(name, {})[label] = value
        now = found.pop(COUNTED_UNTIL, {}).get("", 0)
        if now == until:
            break
        until = now
    return dict(found)
