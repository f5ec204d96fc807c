"""The lease of a step: a session-level advisory lock on the subject, the claim, and the finish.

One statement each, because this is the path of every boot. The lock lives in this thread's database session: when
the worker dies the kernel closes its socket and PostgreSQL drops the lock at once.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from apps.common.prepared import Statement
from apps.workflow import states
from apps.workflow.selectors import runs


def lock_key(subject_id: uuid.UUID) -> int:
    """Return the 64-bit key of a subject's advisory lock."""
    return int.from_bytes(subject_id.bytes[:8], "big", signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker holds while it runs a step."""

    run_id: uuid.UUID
    token: int
    step_id: int
    pipeline: str
    subject_id: uuid.UUID
    project_id: str
    user_id: str
    request_id: str
    params: dict[str, Any]
    host: str
    attempt: int
    excluded_hosts: list[str]
    retrying: bool
    error_code: int | None
    error_cause: str
    error_message: str
    error_details: str
    waited_seconds: float


_COLUMNS = (
    "token, pipeline, subject_id, project_id, user_id, request_id, params::text, host, attempt, "
    "excluded_hosts, retrying, error_code, error_cause, error_message, error_details, "
    "extract(epoch FROM step_started_at - enqueued_at)::float8"
)
# The only thing inserted into the text is the list of columns above.
_CLAIM = Statement(
    "workflow_claim",
    f"""
WITH lease AS MATERIALIZED (SELECT pg_try_advisory_lock(%(key)s) AS held),
claimed AS (
    UPDATE workflow_run r
       SET state = CASE WHEN state = 'queued' THEN 'running' ELSE state END, step_state = 'running',
           started_at = coalesce(started_at, clock_timestamp()), step_started_at = clock_timestamp(),
           step_deadline_at = clock_timestamp() + make_interval(secs => %(timeout)s), updated_at = clock_timestamp()
      FROM lease
     WHERE lease.held AND r.id = %(run)s AND r.token = %(token)s AND r.next_step = %(step)s
       AND r.step_state = 'queued' AND r.state = ANY(%(states)s)
 RETURNING r.*),
opened AS (
    INSERT INTO workflow_step (run_id, name, direction, attempt, token, queue, host, worker, enqueued_at, started_at,
                               result, error_message, error_details)
    SELECT id, next_step, %(direction)s, attempt, token, queue, host, %(worker)s, enqueued_at, clock_timestamp(),
           '', '', ''
      FROM claimed RETURNING id)
SELECT lease.held, opened.id, {_COLUMNS}
  FROM lease LEFT JOIN claimed ON true LEFT JOIN opened ON true
""",  # noqa: S608
    {
        "key": "bigint",
        "run": "uuid",
        "token": "int",
        "step": "text",
        "timeout": "float8",
        "states": "text[]",
        "direction": "text",
        "worker": "text",
    },
)

BUSY = "busy"
STALE = "stale"


def claim(
    *, run_id: uuid.UUID, token: int, step: str, subject_id: uuid.UUID, timeout_seconds: float, worker: str
) -> Claim | str:
    """Take the subject's lock and claim the step.

    Returns BUSY when another session holds the lock and STALE when the message is old or doubled; then nothing is
    held and nothing changed.
    """
    revert = step == states.REVERT
    values: dict[str, Any] = {
        "key": lock_key(subject_id),
        "run": run_id,
        "token": token,
        "step": step,
        "timeout": timeout_seconds,
        "states": [states.REVERTING] if revert else [states.QUEUED, states.RUNNING],
        "direction": states.REVERT if revert else states.EXECUTE,
        "worker": worker,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.text(), values)
        held, step_id, *row = cursor.fetchone()
        if held and step_id is None:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [values["key"]])
    if not held:
        return BUSY
    return _claim_of(run_id, step_id, row) if step_id is not None else STALE


def _claim_of(run_id: uuid.UUID, step_id: int, row: list[Any]) -> Claim:
    names = ("token", "pipeline", "subject_id", "project_id", "user_id", "request_id", "params", "host", "attempt")
    more = (
        "excluded_hosts",
        "retrying",
        "error_code",
        "error_cause",
        "error_message",
        "error_details",
        "waited_seconds",
    )
    values = dict(zip((*names, *more), row, strict=True))
    values["params"] = orjson.loads(values["params"])
    return Claim(run_id=run_id, step_id=step_id, **values)


def try_lock(*, subject_id: uuid.UUID) -> bool:
    """Take the subject's lock for work outside of a run (recovery); give it back with ``unlock``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock_key(subject_id)])
        return bool(cursor.fetchone()[0])


def unlock(*, subject_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_key(subject_id)])


@contextmanager
def at_rest(*, subject_id: uuid.UUID) -> Iterator[bool]:
    """Hold the subject's lock for the block, for repairs outside of a run. False: somebody works on it, or a run is
    under way and will.
    """
    held = try_lock(subject_id=subject_id)
    try:
        yield held and not runs.has_active(subject_id=subject_id)
    finally:
        if held:
            unlock(subject_id=subject_id)


def is_current(*, claim: Claim) -> bool:
    """Return whether the claim still stands: asked in the session that holds the lock, so a broken one raises."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM workflow_run WHERE id = %s AND token = %s", [claim.run_id, claim.token])
        return cursor.fetchone() is not None


_ADVANCE = Statement(
    "workflow_advance",
    """
WITH moved AS (
    UPDATE workflow_run
       SET next_step = %(next)s, step_state = 'queued', state = 'running', host = %(host)s, queue = %(queue)s,
           enqueued_at = clock_timestamp(), updated_at = clock_timestamp()
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


def advance(*, claim: Claim, next_step: str, host: str, queue: str) -> bool:
    """Close the step, hand the run to its next step and let go of the lock. False: the token is old."""
    return _moved(
        _ADVANCE,
        claim,
        {"next": next_step, "host": host, "queue": queue},
    )


_END = Statement(
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


def end(*, claim: Claim, state: str, host: str) -> bool:
    """Close the step and the run and let go of the lock. False: the token is old."""
    return _moved(_END, claim, {"state": state, "host": host})


_RESTART = """
WITH moved AS (
    UPDATE workflow_run
       SET next_step = %(next)s, step_state = 'queued', state = 'running', host = %(host)s, queue = %(queue)s,
           attempt = attempt + 1, excluded_hosts = %(excluded)s, retrying = false, not_before = %(not_before)s,
           enqueued_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""


def restart(*, claim: Claim, next_step: str, host: str, queue: str, excluded: list[str], not_before: Any) -> bool:
    """After a revert: begin the next attempt. False: the token is old."""
    values = {"next": next_step, "host": host, "queue": queue, "excluded": excluded, "not_before": not_before}
    return _moved(_RESTART, claim, values)


def _moved(statement: Statement | str, claim: Claim, values: dict[str, Any]) -> bool:
    values |= {
        "run": claim.run_id,
        "token": claim.token,
        "step": claim.step_id,
        "key": lock_key(claim.subject_id),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement if isinstance(statement, str) else statement.text(), values)
        return bool(cursor.fetchone()[0])


_REVERTING = """
WITH moved AS (
    UPDATE workflow_run
       SET state = 'reverting', next_step = 'revert', step_state = 'running', retrying = %(retrying)s,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step failed: ``message`` is for the user, ``details`` for administrators."""

    cause: str
    message: str
    details: str
    code: int = 500


def begin_revert(*, claim: Claim, failure: Failure, retrying: bool, timeout_seconds: float, worker: str) -> int | None:
    """Close the failed step and open the revert in its place, the lock held on. None: the token is old."""
    values: dict[str, Any] = {
        "retrying": retrying,
        "timeout": timeout_seconds,
        "result": states.RETRY if retrying else states.ERROR,
        "code": failure.code,
        "cause": failure.cause,
        "message": failure.message,
        "details": failure.details,
        "run": claim.run_id,
        "token": claim.token,
        "step": claim.step_id,
        "worker": worker,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REVERTING, values)
        row = cursor.fetchone()
        return row[0] if row else None


def explain(*, claim: Claim, explanation: dict[str, Any]) -> None:
    """Keep why the scheduler chose as it did, or why no host was left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflow_run SET explanation = %s::jsonb WHERE id = %s AND token = %s",
            [orjson.dumps(explanation).decode(), claim.run_id, claim.token],
        )
