"""What follows a step's claim (`claims.py`): the finish, in one statement that also unlocks. And the lock alone."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from apps.common.sql.planned import Statement
from apps.workflow import states
from apps.workflow.selectors import runs
from apps.workflow.services.claims import Claim, lock_key


def try_lock(*, subject_id: uuid.UUID) -> bool:
    """Take the subject's lock for work outside of a run (recovery); give it back with ``unlock``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock_key(subject_id)])
        return bool(cursor.fetchone()[0])


def unlock(*, subject_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_key(subject_id)])


@contextmanager
def idle(*, subject_id: uuid.UUID) -> Iterator[bool]:
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
_ADVANCE_HOSTS = """
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


def advance(*, claim: Claim, next_step: str, host: str, queue: str, hosts: Mapping[str, str] | None = None) -> bool:
    """Close the step, hand the run to its next step on ``host`` and let go of the lock. False: the token is old.

    ``hosts``: those of a run with several, by role.
    """
    values = {"next": next_step, "host": host, "queue": queue}
    if hosts is None:
        return _moved(_ADVANCE, claim, values)
    return _moved(_ADVANCE_HOSTS, claim, {**values, "hosts": _json(hosts)})


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
           hosts = %(hosts)s::jsonb, attempt = attempt + 1, excluded_hosts = %(excluded)s, retrying = false,
           failed_step = '', revert_from = '', not_before = %(not_before)s,
           enqueued_at = clock_timestamp(), waiting_since = NULL, updated_at = clock_timestamp()
     WHERE id = %(run)s AND token = %(token)s RETURNING id),
closed AS (
    UPDATE workflow_step SET finished_at = clock_timestamp(), result = 'success'
     WHERE id = %(step)s AND EXISTS (SELECT 1 FROM moved))
SELECT (SELECT count(*) FROM moved), pg_advisory_unlock(%(key)s)
"""


def restart(
    *,
    claim: Claim,
    next_step: str,
    host: str,
    hosts: Mapping[str, str],
    queue: str,
    excluded: list[str],
    not_before: datetime | None,
) -> bool:
    """After a revert: begin the next attempt. False: the token is old."""
    values = {"next": next_step, "host": host, "hosts": _json(hosts), "queue": queue}
    return _moved(_RESTART, claim, {**values, "excluded": excluded, "not_before": not_before})


_MOVE_REVERT = """
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


def move_revert(*, claim: Claim, revert_from: str, host: str, queue: str) -> bool:
    """Hand the revert to another host, which goes on at the step ``revert_from``. False: the token is old."""
    return _moved(_MOVE_REVERT, claim, {"revert_from": revert_from, "host": host, "queue": queue})


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


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
       SET state = 'reverting', failed_step = next_step, next_step = 'revert', revert_from = '',
           step_state = 'running', retrying = %(retrying)s,
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
            [_json(explanation), claim.run_id, claim.token],
        )
