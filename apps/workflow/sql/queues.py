"""Queues and the runs in them."""

QUEUES = """
SELECT queue, count(*) FILTER (WHERE waits), count(*) FILTER (WHERE step_state = 'running'),
       count(*) FILTER (WHERE step_state = 'queued' AND NOT waits), min(enqueued_at) FILTER (WHERE waits),
       coalesce(extract(epoch FROM clock_timestamp() - min(enqueued_at) FILTER (WHERE waits)), 0)::float8
  FROM (SELECT queue, step_state, coalesce(waiting_since, enqueued_at) AS enqueued_at,
               step_state = 'queued' AND (not_before IS NULL OR not_before <= clock_timestamp()) AS waits
          FROM workflow_run WHERE leader_id IS NULL AND state IN ('queued', 'running', 'reverting')
           AND (%(queues)s::text[] IS NULL OR queue = ANY(%(queues)s::text[]))) r
 GROUP BY queue ORDER BY 2 DESC, queue LIMIT 200
"""
