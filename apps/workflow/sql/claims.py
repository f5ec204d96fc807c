"""Claiming a step: the lease, the run and the new row of the step, and a change of the subject's own row with them."""

from collections.abc import Mapping

from apps.common.sql.planned import Statement

NAMES = (
    "token", "pipeline", "subject_type", "subject_id", "project_id", "user_id", "request_id", "params", "host",
    "attempt", "excluded_hosts", "retrying", "hosts", "failed_step", "revert_from", "error_code", "error_cause",
    "error_message", "error_details",
)  # fmt: skip
JSON = ("params", "hosts")
_COLUMNS = ", ".join(f"claimed.{name}{'::text' if name in JSON else ''}" for name in NAMES) + (
    ", extract(epoch FROM claimed.step_started_at - coalesce(claimed.waiting_since, claimed.enqueued_at))::float8"
)
# The only things inserted into the text are the list of columns above and an extension's.
_CLAIM = f"""
WITH lease AS MATERIALIZED (SELECT pg_try_advisory_lock(%(key)s) AS held),
{{lock}}claimed AS (
    UPDATE workflow_run r
       SET state = CASE WHEN state = 'queued' THEN 'running' ELSE state END, step_state = 'running',
           started_at = coalesce(started_at, clock_timestamp()), step_started_at = clock_timestamp(),
           step_deadline_at = clock_timestamp() + make_interval(secs => %(timeout)s), updated_at = clock_timestamp()
      FROM lease{{join}}
     WHERE lease.held AND r.id = %(run)s AND r.token = %(token)s AND r.next_step = %(step)s
       AND r.step_state = 'queued' AND r.state = ANY(%(states)s)
 RETURNING r.*),
opened AS (
    INSERT INTO workflow_step (run_id, name, direction, attempt, token, queue, host, worker, enqueued_at, waiting_since,
                               started_at, result, error_message, error_details)
    SELECT id, next_step, %(direction)s, attempt, token, queue, host, %(worker)s, enqueued_at, waiting_since,
           clock_timestamp(), '', '', ''
      FROM claimed RETURNING id){{change}}
SELECT lease.held, opened.id, {_COLUMNS}{{columns}}
  FROM lease LEFT JOIN claimed ON true LEFT JOIN opened ON true{{joined}}
"""
_TYPES = {
    "key": "bigint",
    "run": "uuid",
    "token": "int",
    "step": "text",
    "timeout": "float8",
    "states": "text[]",
    "direction": "text",
    "worker": "text",
}
ALONE = Statement("workflow_claim", _CLAIM.format(lock="", join="", change="", columns="", joined=""), _TYPES)


def extended(name: str, *, lock: str, change: str, types: Mapping[str, str]) -> Statement:
    """Return the claim that locks the subject's row (``lock``) before the run, and changes it (``change``)."""
    text = _CLAIM.format(
        lock=f"subject AS MATERIALIZED ({lock}),\n",
        join=", subject",
        change=f",\nextended AS ({change})",
        columns=", extended.*",
        joined=" LEFT JOIN extended ON true",
    )
    return Statement(f"workflow_claim_{name}", text, {**_TYPES, "subject": "uuid", **types})
