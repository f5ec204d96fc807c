"""Counting runs and steps, and adding the counts of old ones to the tallies."""

# (name, label, value), counted over runs that began within the window. Times of a step that was lost or taken
# away say nothing: only its result counts.
COUNTED = """
WITH ended AS MATERIALIZED (
    SELECT pipeline, state, left(regexp_replace(error_cause, '[^A-Za-z0-9_.-]', '', 'g'), 48) AS cause,
           greatest(extract(epoch FROM finished_at - created_at), 0)::float8 AS seconds
      FROM workflow_run
     WHERE created_at > %(since)s AND created_at <= %(until)s AND leader_id IS NULL
       AND state IN ('succeeded', 'failed', 'cancelled')),
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
ALL = f"""
SELECT name, label, sum(value)::bigint FROM (
    SELECT name, label, value FROM workflow_tally UNION ALL SELECT * FROM ({COUNTED}) counted) t
 GROUP BY 1, 2 ORDER BY 1, 2
"""

BEGIN = "INSERT INTO workflow_tally (name, label, value) VALUES (%s, '', 0) ON CONFLICT DO NOTHING"
SINCE = "SELECT value FROM workflow_tally WHERE name = %s AND label = '' FOR UPDATE"
# Of a run that has not ended more is to come: counting stops before the oldest of them.
UNTIL = """
SELECT least(clock_timestamp() - make_interval(secs => %s), min(created_at) - interval '1 microsecond')
  FROM workflow_run WHERE state IN ('queued', 'running', 'reverting')
"""
FOLD = f"""
INSERT INTO workflow_tally (name, label, value) SELECT name, label, value FROM ({COUNTED}) c ORDER BY name, label
    ON CONFLICT (name, label) DO UPDATE SET value = workflow_tally.value + excluded.value
"""
MOVE = "UPDATE workflow_tally SET value = %s WHERE name = %s AND label = ''"
