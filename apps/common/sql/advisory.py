"""PostgreSQL's advisory locks by name: a locked thing need not have a row.

Replaces: nothing of upstream; Django has no advisory locks.
Gains: a lock without a table of locks; it ends with the transaction or the session that holds it.
Remove: lock rows of a table of names instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def hold(name: str) -> None:
    """Wait for the lock and hold it until the transaction ends. 1 statement."""
    assert connection.in_atomic_block, "outside of a transaction the lock is given back at once"
    _call("pg_advisory_xact_lock", name)


@contextmanager
def trying(name: str) -> Iterator[bool]:
    """Hold the lock for the block, across transactions; gives False if another session holds it. 2 statements.

    The lock of a killed process ends with its session.
    """
    held = _call("pg_try_advisory_lock", name)
    try:
        yield held
    finally:
        if held:
            connection.ensure_connection()
            _call("pg_advisory_unlock", name)


def _call(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])
