"""Locks of workflow, in the order of docs/decisions/lock-order.md.

The lease of a subject is held by a session, beyond transactions; the claim of a step takes it in its own statement
(sql/claims.py).
"""

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager

from django.db import connection

from apps.common.lock_order import Rank, ranked
from apps.common.sql import advisory
from apps.workflow import states
from apps.workflow.models import Run

_END_SESSION = """
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
 WHERE pid = %s AND locktype = 'advisory' AND granted AND objsubid = 1
   AND ((classid::bigint << 32) | objid::bigint) = %s
   AND (%s = 0 OR (state <> 'active' AND state_change < clock_timestamp() - make_interval(secs => %s)))
"""


@ranked(Rank.SESSION)
def try_lease(key: int) -> bool:
    """Take a subject's lease until ``release_lease`` or the end of the session. False: another session holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        return bool(cursor.fetchone()[0])


@ranked(Rank.SESSION)
def release_lease(key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@ranked(Rank.SESSION)
def try_leases(keys: Sequence[int]) -> bool:
    """Take several leases, in the order of ``keys``, or none. Waits for no lease while it holds another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, pg_try_advisory_lock(key) FROM unnest(%s::bigint[]) AS k(key)", [list(keys)])
        taken = [key for key, held in cursor.fetchall() if held]
    if len(taken) == len(keys):
        return True
    release_leases(taken)
    return False


@ranked(Rank.SESSION)
def release_leases(keys: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(pg_advisory_unlock(key)) FROM unnest(%s::bigint[]) AS k(key)", [list(keys)])


@ranked(Rank.SESSION)
def revoke_lease(key: int, *, pid: int, idle_seconds: float = 0) -> bool:
    """End the session ``pid`` if it still holds this lease: its worker may have continued with another subject.

    With ``idle_seconds`` only a session that has sent no statement for that long, nor is in one, which has a separate
    limit: a claim that waits for a row is seen as this, too. False: it was not ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(_END_SESSION, [pid, key, idle_seconds, idle_seconds])
        return cursor.fetchone() is not None


@ranked(Rank.SESSION)
def sweep() -> AbstractContextManager[bool]:
    """Hold the right to sweep for the block: one process of the cloud at a time. Gives False while another has it."""
    return advisory.trying("workflow.sweep")


@ranked(Rank.SESSION)
def reconcile() -> AbstractContextManager[bool]:
    """Hold the right to reconcile for the block: one process at a time. Gives False while another has it."""
    return advisory.trying("workflow.reconcile")


@ranked(Rank.RUN)
def run(run_id: uuid.UUID) -> Run | None:
    """Lock a run that has not ended. Its subject's row comes before it; the rows of its further subjects after."""
    return Run.objects.select_for_update().filter(id=run_id, state__in=states.ACTIVE).first()
