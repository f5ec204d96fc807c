"""Ends of a step's lease: each is one statement that also unlocks. And the lock alone."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from apps.common.sql.planned import Statement
from apps.workflow import locks, states
from apps.workflow.selectors import runs
from apps.workflow.services.claims import Claim, lock_key, unlock_all
from apps.workflow.sql import leases as sql


def try_lock(*, subject_type: str, subject_id: uuid.UUID) -> bool:
    """Take the subject's lock for work outside of a run (recovery); give it back with ``unlock``."""
    return locks.try_lease(lock_key(subject_type, subject_id))


def unlock(*, subject_type: str, subject_id: uuid.UUID) -> None:
    locks.release_lease(lock_key(subject_type, subject_id))


@contextmanager
def idle(*, subject_type: str, subject_id: uuid.UUID) -> Iterator[bool]:
    """Hold the subject's lock for the block, for repairs outside of a run. Gives False if a step is running or a run is
    active.
    """
    held = try_lock(subject_type=subject_type, subject_id=subject_id)
    try:
        yield held and not runs.has_active(subject_type=subject_type, subject_id=subject_id)
    finally:
        if held:
            unlock(subject_type=subject_type, subject_id=subject_id)


def is_current(*, claim: Claim) -> bool:
    """Return whether the claim is still valid. The query runs in the session that holds the lock, so a broken session
    raises.
    """
    return bool(sql.IS_CURRENT.fetch({"run": claim.run_id, "token": claim.token}))


def advance(*, claim: Claim, next_step: str, host: str, queue: str, hosts: Mapping[str, str] | None = None) -> bool:
    """Close the step, hand the run to its next step on ``host`` and release the lock. False: the token is old.

    ``hosts``: those of a run with several, by role.
    """
    values = {"next": next_step, "host": host, "queue": queue}
    if hosts is None:
        return _moved(sql.ADVANCE, claim, values)
    return _moved(sql.ADVANCE_HOSTS, claim, {**values, "hosts": _json(hosts)})


def end(*, claim: Claim, state: str, host: str) -> bool:
    """Close the step and the run and release the locks. False: the token is old."""
    return _moved(sql.END_ALL if claim.also else sql.END, claim, {"state": state, "host": host})


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
    return _moved(sql.RESTART, claim, {**values, "excluded": excluded, "not_before": not_before})


def repeat(*, claim: Claim, failure: "Failure", host: str, queue: str, not_before: datetime) -> bool:
    """Close the failed step and try it again from ``not_before`` on. False: the token is old."""
    values = {"message": failure.message, "details": failure.details}
    return _moved(sql.REPEAT, claim, {**values, "host": host, "queue": queue, "not_before": not_before})


def move_revert(*, claim: Claim, revert_from: str, host: str, queue: str) -> bool:
    """Pass the revert to another host, which continues at the step ``revert_from``. False: the token is old."""
    return _moved(sql.MOVE_REVERT, claim, {"revert_from": revert_from, "host": host, "queue": queue})


def hand_over(*, claim: Claim, queue: str) -> bool:
    """Queue the step once more, in another queue of its host. False: the token is old."""
    return _moved(sql.HAND_OVER, claim, {"queue": queue})


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _moved(statement: Statement | str, claim: Claim, values: dict[str, Any]) -> bool:
    values |= {
        "run": claim.run_id,
        "token": claim.token,
        "step": claim.step_id,
        "key": lock_key(claim.subject_type, claim.subject_id),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement if isinstance(statement, str) else statement.text(), values)
        moved = bool(cursor.fetchone()[0])
    unlock_all(claim.also)
    return moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step failed: ``message`` is for the user, ``details`` for administrators."""

    cause: str
    message: str
    details: str
    code: int = 500


def begin_revert(
    *, claim: Claim, failure: Failure, retrying: bool, queue: str, timeout_seconds: float, worker: str
) -> int | None:
    """Close the failed step and open the revert in its place, the lock held on. None: the token is old.

    ``queue``: where the revert is sent again if its worker dies.
    """
    values: dict[str, Any] = {
        "retrying": retrying,
        "queue": queue,
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
        cursor.execute(sql.REVERTING, values)
        row = cursor.fetchone()
        return row[0] if row else None


def explain(*, claim: Claim, explanation: dict[str, Any]) -> None:
    """Keep why the scheduler chose as it did, or why no host was left."""
    with connection.cursor() as cursor:
        cursor.execute(sql.EXPLAIN, [_json(explanation), claim.run_id, claim.token])
