"""Boots by minute, of late, and failures by cause: for the overview."""

# Minutes without an end have a row too. Nothing that ended within the hour began before the deadline of builds.
MINUTES = """
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
# IDs and numbers in messages do not make separate causes.
GROUPED = """
WITH failed AS (
    SELECT r.id, r.subject_type, r.subject_id, r.action, r.created_at, r.error_cause AS cause,
           coalesce(s.name, '') AS step, coalesce(s.error_message, r.error_message) AS message
      FROM workflow_run r
      LEFT JOIN LATERAL (
           SELECT name, error_message FROM workflow_step
            WHERE run_id = r.id AND r.pipeline || '.' || name <> ALL(%(choosing)s)
              AND direction = 'execute' AND error_message <> ''
            ORDER BY started_at, id LIMIT 1) s ON r.error_cause = 'NoValidHost'
     WHERE r.state = 'failed' AND r.created_at > now() - make_interval(hours => %(hours)s)
     ORDER BY r.created_at DESC LIMIT %(most)s)
SELECT CASE WHEN step = '' THEN cause ELSE '' END, step, count(*), max(created_at),
       (array_agg(id ORDER BY created_at DESC))[1], (array_agg(subject_type ORDER BY created_at DESC))[1],
       (array_agg(subject_id ORDER BY created_at DESC))[1],
       (array_agg(action ORDER BY created_at DESC))[1], (array_agg(message ORDER BY created_at DESC))[1]
  FROM failed
 GROUP BY 1, 2, CASE WHEN step = '' THEN '' ELSE regexp_replace(message, '[0-9a-f-]{36}|[0-9]+', '#', 'g') END
 ORDER BY 3 DESC, 4 DESC
"""
LATE = """
SELECT count(*), percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at)::float8)
  FROM workflow_run
 WHERE pipeline = ANY(%(creating)s) AND state = 'succeeded'
   AND created_at > now() - make_interval(mins => %(minutes)s, secs => %(longest)s)
   AND finished_at > now() - make_interval(mins => %(minutes)s)
"""
