"""Moving a run to its next step, its end or its revert, in statements that also give the lease back."""

from apps.common.sql.planned import Statement

ADVANCE = Statement(
    "workflow_advance",
    """
WITH moved AS (
    UPDATE workflow_run
       SET next_step = %(next)s, step_state = 'queued', state = 'running', host = %(host)s, queue = %(queue)s,
           enqueued_at = clock_timestamp(), waiting_since = NULL, updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success', host = %(host)s
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
""",
    {
        "next": "text",
        "host": "text",
        "queue": "text",
        "run": "uuid",
        "token": "int",
        "step": "bigint",
        "key": "bigint",
    },
)
# The same for a run with several hosts: the step keeps the host it ran on.
ADVANCE_HOSTS = """
WITH moved AS (
    UPDATE workflow_run
       SET next_step = %(next)s, step_state = 'queued', state = 'running', host = %(host)s, hosts = %(hosts)s::jsonb,
           queue = %(queue)s, enqueued_at = clock_timestamp(), waiting_since = NULL, updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""
END = Statement(
    "workflow_end",
    """
WITH moved AS (
    UPDATE workflow_run
       SET state = %(state)s, next_step = '', step_state = '', host = %(host)s, finished_at = clock_timestamp(),
           updated_at = clock_timestamp(), step_deadline_at = NULL
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
""",
    {
        "state": "text",
        "host": "text",
        "run": "uuid",
        "token": "int",
        "step": "bigint",
        "key": "bigint",
    },
)
# The same with the rows of further subjects, which learn how it ended.
END_ALL = """
WITH moved AS (
    UPDATE workflow_run
       SET state = %(state)s, next_step = '', step_state = '', host = %(host)s, finished_at = clock_timestamp(),
           updated_at = clock_timestamp(), step_deadline_at = NULL
     WHERE id = %(run)s AND token = %(token)s RETURNING *),
others AS (
    UPDATE workflow_run r
       SET state = m.state, finished_at = m.finished_at, updated_at = m.updated_at, error_code = m.error_code,
           error_cause = m.error_cause, error_message = m.error_message, error_details = m.error_details
      FROM moved m WHERE r.leader_id = m.id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""
RESTART = """
WITH moved AS (
    UPDATE workflow_run
       SET next_step = %(next)s, step_state = 'queued', state = 'running', host = %(host)s, queue = %(queue)s,
           hosts = %(hosts)s::jsonb, attempt = attempt + 1, excluded_hosts = %(excluded)s, retrying = false,
           failed_step = '', revert_from = '', not_before = %(not_before)s,
           enqueued_at = clock_timestamp(), waiting_since = NULL, updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""
MOVE_REVERT = """
WITH moved AS (
    UPDATE workflow_run
       SET revert_from = %(revert_from)s, step_state = 'queued', host = %(host)s, queue = %(queue)s,
           enqueued_at = clock_timestamp(), waiting_since = NULL, updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""
REVERTING = """
WITH moved AS (
    UPDATE workflow_run
       SET state = 'reverting', failed_step = next_step, next_step = 'revert', revert_from = '',
           step_state = 'running', retrying = %(retrying)s, queue = %(queue)s,
           step_started_at = clock_timestamp(), updated_at = clock_timestamp(),
           step_deadline_at = clock_timestamp() + make_interval(secs => %(timeout)s),
           error_code = %(code)s, error_cause = %(cause)s, error_message = %(message)s, error_details = %(details)s
     WHERE id = %(run)s AND token = %(token)s RETURNING *),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = %(result)s, error_message = %(message)s,
           error_details = %(details)s
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved)),
opened AS (
    INSERT INTO workflow_step (run_id, name, direction, attempt, token, queue, host, worker, enqueued_at, started_at,
                               result, error_message, error_details)
    SELECT id, 'revert', 'revert', attempt, token, queue, host, %(worker)s, clock_timestamp(), clock_timestamp(),
           '', '', ''
      FROM moved RETURNING id)
SELECT id FROM opened
"""

IS_CURRENT = "SELECT 1 FROM workflow_run WHERE id = %s AND token = %s"
EXPLAIN = "UPDATE workflow_run SET explanation = %s::jsonb WHERE id = %s AND token = %s"
