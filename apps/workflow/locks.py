"""Locks of workflow, in the order of docs/decisions/lock-order.md.

The lease of a subject is held by a session, beyond transactions; the claim of a step takes it in its own statement
(sql/claims.py).
"""

import uuid

from django.db import connection

from apps.workflow import states
from apps.workflow.models import Run


def try_lease(key: int) -> bool:
    """Take a subject's lease until ``release_lease`` or the end of the session. False: another session holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        return bool(cursor.fetchone()[0])


def release_lease(key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def active_run(subject_id: uuid.UUID) -> Run | None:
    """Lock the subject's run that is under way; the subject's own row comes before it."""
    return Run.objects.select_for_update().filter(subject_id=subject_id, state__in=states.ACTIVE).first()
