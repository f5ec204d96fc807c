"""The lease of a step: a session-level advisory lock on the subject, and the claim.

One statement, because this is the path of every boot. The lock lives in this thread's database session: when
the worker dies the kernel closes its socket and PostgreSQL drops the lock at once.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
from django.db import connection

from apps.common.sql.planned import Statement
from apps.workflow import locks, states
from apps.workflow.sql import claims as sql

Subject = tuple[str, uuid.UUID]  # its type and its id


def lock_key(subject_type: str, subject_id: uuid.UUID) -> int:
    """Return the 64-bit key of a subject's advisory lock. The type is in it: clients choose the ids of some kinds."""
    digest = hashlib.sha256(f"{subject_type}:{subject_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker's claim on a step."""

    run_id: uuid.UUID
    token: int
    step_id: int
    pipeline: str
    subject_type: str
    subject_id: uuid.UUID
    project_id: str
    user_id: str
    request_id: str
    params: dict[str, Any]
    host: str
    attempt: int
    excluded_hosts: list[str]
    retrying: bool
    hosts: dict[str, str]
    failed_step: str
    revert_from: str
    error_code: int | None
    error_cause: str
    error_message: str
    error_details: str
    waited_seconds: float
    also: tuple[Subject, ...] = ()
    # The row that the extension's change returned; None if it changed nothing. Users' data is in it.
    extended: tuple[Any, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class ClaimExtension:
    """A change of the subject's row in the claim's statement. Its app writes the SQL.

    ``lock`` selects and locks that row, ``%(subject)s``: who changes a subject and its run locks the subject first.
    ``change`` is an UPDATE … RETURNING that may read ``claimed`` (the run's row as claimed, none if it was not); one of
    its columns at least is never NULL.
    ``types``: its own parameters, PostgreSQL's names of their types.
    """

    name: str
    lock: str
    change: str
    types: Mapping[str, str]

    @cached_property
    def claim(self) -> Statement:
        return sql.extended(self.name, lock=self.lock, change=self.change, types=self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimArguments:
    """An extension with the values of its parameters."""

    extension: ClaimExtension
    values: Mapping[str, Any]


BUSY = "busy"
STALE = "stale"


def claim(
    *,
    run_id: uuid.UUID,
    token: int,
    step: str,
    subject_type: str,
    subject_id: uuid.UUID,
    timeout_seconds: float,
    worker: str,
    arguments: ClaimArguments | None = None,
    also: Sequence[Subject] = (),
) -> Claim | str:
    """Take the subject's lock and claim the step; with ``arguments`` the subject's row moves in the same statement.

    The locks of further subjects (``also``) come first, in order of their keys; no claim waits for a lock while it
    holds another.

    Returns BUSY when another session holds the lock and STALE when the message is old or doubled; then nothing is
    held and nothing changed.
    """
    revert = step == states.REVERT
    values: dict[str, Any] = {
        "key": lock_key(subject_type, subject_id),
        "run": run_id,
        "token": token,
        "step": step,
        "timeout": timeout_seconds,
        "states": [states.REVERTING] if revert else [states.QUEUED, states.RUNNING],
        "direction": states.REVERT if revert else states.EXECUTE,
        "worker": worker,
    }
    statement = sql.ALONE
    if arguments is not None:
        statement = arguments.extension.claim
        values |= {"subject": subject_id, **arguments.values}
    if also and not locks.try_leases(sorted(lock_key(*subject) for subject in also)):
        return BUSY
    return _take(statement, values, tuple(also))


def _take(statement: Statement, values: Mapping[str, Any], also: tuple[Subject, ...]) -> Claim | str:
    """Run the claim. Unless it takes the step, no lock is held afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(statement.text(), values)
        held, step_id, *row = cursor.fetchone()
    if step_id is not None:
        return _claim_of(values["run"], step_id, row, also)
    if held:
        locks.release_lease(values["key"])
    unlock_all(also)
    return STALE if held else BUSY


def unlock_all(subjects: Sequence[Subject]) -> None:
    """Release the locks of further subjects; of none, without a statement."""
    if subjects:
        locks.release_leases([lock_key(*subject) for subject in subjects])


def _claim_of(run_id: uuid.UUID, step_id: int, row: list[Any], also: tuple[Subject, ...]) -> Claim:
    own = len(sql.NAMES) + 1
    values = dict(zip((*sql.NAMES, "waited_seconds"), row[:own], strict=True))
    values |= {name: orjson.loads(values[name]) for name in sql.JSON}
    extended = tuple(row[own:]) if any(value is not None for value in row[own:]) else None
    return Claim(run_id=run_id, step_id=step_id, extended=extended, also=also, **values)
