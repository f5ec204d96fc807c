"""Moving a run to its next step, its end or its revert, in statements that also give the lease back."""

from apps.common.sql.planned import Statement

# Every statement moves the run if the token is its own, closes the step's row if the run moved, and unlocks. What is
# inserted into the text are the assignments below.
_MOVE = """
WITH moved AS (
    UPDATE workflow_run
       SET {run},
           updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING {returned}),
{others}closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), {step}
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""
_QUEUED = """step_state = 'queued', host = %(host)s, queue = %(queue)s, enqueued_at = clock_timestamp(),
           waiting_since = NULL"""
_ENDED = """state = %(state)s, next_step = '', step_state = '', host = %(host)s, finished_at = clock_timestamp(),
           step_deadline_at = NULL"""
_FURTHER_SUBJECTS = """others AS (
    UPDATE workflow_run r
       SET state = m.state, finished_at = m.finished_at, updated_at = m.updated_at, error_code = m.error_code,
           error_cause = m.error_cause, error_message = m.error_message, error_details = m.error_details
      FROM moved m WHERE r.leader_id = m.id),
"""
_TYPES = {"host": "text", "run": "uuid", "token": "int", "step": "bigint", "key": "bigint"}


def _move(run: str, *, step: str = "result = 'success'", others: str = "") -> str:
    return _MOVE.format(run=run, step=step, others=others, returned="*" if others else "id")


ADVANCE = Statement(
    "workflow_advance",
    _move(
        f"next_step = %(next)s, state = 'running', {_QUEUED}",
        step="result = 'success', host = %(host)s",
    ),
    {**_TYPES, "next": "text", "queue": "text"},
)
# The same for a run with several hosts: the step keeps the host it ran on.
ADVANCE_HOSTS = Statement(
    "workflow_advance_hosts",
    _move(f"next_step = %(next)s, state = 'running', hosts = %(hosts)s::jsonb, {_QUEUED}"),
    {**_TYPES, "next": "text", "hosts": "text", "queue": "text"},
)
END = Statement("workflow_end", _move(_ENDED), {**_TYPES, "state": "text"})
# The same with the rows of further subjects, which learn how it ended.
END_ALL = _move(_ENDED, others=_FURTHER_SUBJECTS)
RESTART = _move(
    f"""next_step = %(next)s, state = 'running', hosts = %(hosts)s::jsonb, attempt = attempt + 1,
           excluded_hosts = %(excluded)s, retrying = false, failed_step = '', revert_from = '',
           not_before = %(not_before)s, {_QUEUED}"""
)
REPEAT = _move(
    f"not_before = %(not_before)s, {_QUEUED}",
    step="result = 'retry', error_message = %(message)s, error_details = %(details)s",
)
MOVE_REVERT = _move(f"revert_from = %(revert_from)s, {_QUEUED}")
# The attempt that found its work long leaves no row: the step is one event, and begins in the queue of long steps.
HAND_OVER = """
WITH moved AS (
    UPDATE workflow_run
       SET token = token + 1, step_state = 'queued', queue = %(queue)s, enqueued_at = clock_timestamp(),
           waiting_since = NULL, updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
forgotten AS (DELETE FROM workflow_step WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
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

IS_CURRENT = Statement(
    "workflow_is_current",
    "SELECT 1 FROM workflow_run WHERE id = %(run)s AND token = %(token)s",
    {"run": "uuid", "token": "int"},
)
EXPLAIN = "UPDATE workflow_run SET explanation = %s::jsonb WHERE id = %s AND token = %s"
