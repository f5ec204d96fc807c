"""Reading runs and their steps."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.workflow import states
from apps.workflow.models import Run, Step
from apps.workflow.sql import runs as sql


def of_subject(*, subject_type: str, subject_id: uuid.UUID) -> QuerySet[Run]:
    """Return a subject's runs, newest first."""
    return Run.objects.filter(subject_type=subject_type, subject_id=subject_id).order_by("-created_at", "-id")


def get_by_request(*, subject_type: str, subject_id: uuid.UUID, request_id: str) -> Run:
    run = of_subject(subject_type=subject_type, subject_id=subject_id).filter(request_id=request_id).first()
    if run is None:
        raise NotFound(f"Action for request_id {request_id} on instance {subject_id} not found")
    return run


def subjects_of_request(*, text: str, limit: int = 200) -> list[uuid.UUID]:
    """Return the subjects of the newest runs whose request id begins with ``text``. 1 query."""
    rows = Run.objects.filter(request_id__startswith=text).order_by("-created_at")
    return list(rows.values_list("subject_id", flat=True)[:limit])


def steps_of(*, run_ids: Sequence[uuid.UUID]) -> QuerySet[Step]:
    return Step.objects.filter(run_id__in=run_ids).order_by("started_at", "id")


def failures_of(*, run_id: uuid.UUID, step: str) -> int:
    """Return how often a step of the run failed and was tried again. 1 query."""
    return Step.objects.filter(run_id=run_id, name=step, result=states.RETRY).count()


def get(*, run_id: uuid.UUID) -> Run | None:
    return Run.objects.filter(id=run_id).first()


def tokens(*, run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the tokens of runs that have not ended. 1 query."""
    rows = Run.objects.filter(id__in=run_ids, state__in=states.ACTIVE)
    return dict(rows.values_list("id", "token"))


def errors(*, run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the errors that runs ended with, as users read them. 1 query."""
    return dict(Run.objects.filter(id__in=run_ids).values_list("id", "error_message"))


def active() -> QuerySet[Run]:
    return Run.objects.filter(state__in=states.ACTIVE).order_by("enqueued_at")


def active_of(*, subject_type: str, subject_id: uuid.UUID) -> Run | None:
    """Return the run that works on the subject and has not ended, if any. 1 query; 2 where another subject's run does,
    whose leading row it is then.
    """
    active = Run.objects.filter(state__in=states.ACTIVE)
    row = active.filter(subject_type=subject_type, subject_id=subject_id).first()
    return row if row is None or row.leader_id is None else active.filter(id=row.leader_id).first()


def has_active(*, subject_type: str, subject_id: uuid.UUID) -> bool:
    return Run.objects.filter(subject_type=subject_type, subject_id=subject_id, state__in=states.ACTIVE).exists()


def due() -> QuerySet[Run]:
    """Return active runs whose delay, if any, is over; of a run with several subjects its leading row alone."""
    return active().filter(leader_id=None).filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))


def orphans() -> list[Run]:
    """Return active rows of further subjects whose leading run is over. 1 query."""
    leaders = Run.objects.filter(id=OuterRef("leader_id"), state__in=states.ACTIVE)
    return list(active().filter(~Exists(leaders)).exclude(leader_id=None))


def ended(*, days: int, after: tuple[datetime, uuid.UUID] | None = None) -> QuerySet[Run]:
    """Return runs that ended and began more than ``days`` ago, oldest first, behind the run (created, id) ``after``."""
    limit = timezone.now() - timedelta(days=days)
    rows = Run.objects.filter(state__in=states.FINISHED, created_at__lt=limit).order_by("created_at", "id")
    rows = rows.only("id", "created_at", "subject_type", "subject_id")
    if after is None:
        return rows
    created_at, key = after
    return rows.filter(created_at__gte=created_at).exclude(created_at=created_at, id__lte=key)


def newest(*, subjects: Sequence[tuple[str, uuid.UUID]], count: int) -> set[uuid.UUID]:
    """Return the newest ``count`` runs of each subject, given as (type, id)."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NEWEST, [[kind for kind, _ in subjects], [key for _, key in subjects], count])
        return {row[0] if isinstance(row[0], uuid.UUID) else uuid.UUID(row[0]) for row in cursor.fetchall()}


def held_locks() -> dict[int, int]:
    """Return the advisory locks that any session holds: key -> process id of the session."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCKED)
        return dict(cursor.fetchall())


def served_until(*, queue: str, margin_seconds: float) -> datetime | None:
    """Return when the newest message that was served from ``queue`` had been sent.

    Queues are first in, first out, and workers reserve nothing beyond what they run: an overtaken message is lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.SERVED_UNTIL, [queue, margin_seconds])
        newest: datetime | None = cursor.fetchone()[0]
        return newest


def ahead_of(*, run: Run) -> int:
    """Return how many messages of the same queue were sent before this run's, and wait like it."""
    rows = Run.objects.filter(state__in=states.ACTIVE, queue=run.queue, step_state=states.STEP_QUEUED)
    return rows.filter(enqueued_at__lt=run.enqueued_at).exclude(id=run.id).count()
