"""Starting, cancelling and ending runs."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NotRequired, TypedDict, Unpack

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.common import dispatch, tracing
from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.common.sql.inserts import Inserts
from apps.workflow import catalogue, locks, states
from apps.workflow.models import Run, Step
from apps.workflow.sql import runs as sql

_RUNS = Inserts("workflow_run_insert", Run)
ROUNDS = 20
ORPHAN = "The run that worked on it is over."


class NewRun(TypedDict):
    """The arguments that begin a run.

    ``params`` holds ids and options, never secrets. ``hosts``: role to host, for a pipeline with several.
    The first step goes to ``queue`` (default: the host's queue, or the scheduler's where there is no host).
    ``subject_name`` is carried by the run's first message. ``run_id``: the run's ID, where another row names it first.
    """

    context: RequestContext
    pipeline: str
    action: str
    subject_id: uuid.UUID
    project_id: NotRequired[str]
    host: NotRequired[str]
    hosts: NotRequired[Mapping[str, str] | None]
    params: NotRequired[dict[str, Any] | None]
    queue: NotRequired[str | None]
    subject_name: NotRequired[str]
    run_id: NotRequired[uuid.UUID | None]


def start(*, also: Sequence[tuple[str, uuid.UUID]] = (), **new: Unpack[NewRun]) -> Run:
    """Write a run in the caller's transaction and send its first step after commit.

    ``also``: further subjects, as (type, id). Raises IntegrityError when one of the subjects has an active run.
    """
    run = build(**new)
    run.also = [f"{kind}:{subject}" for kind, subject in also]
    followers = [_follower(run, kind, subject) for kind, subject in also]
    # In one order: two runs that want the same subjects then meet at the first of them.
    _RUNS.add(sorted([run, *followers], key=lambda row: (row.subject_id, row.subject_type)))
    dispatch.after_commit(run)
    return run


def _follower(leader: Run, subject_type: str, subject_id: uuid.UUID) -> Run:
    """Return the row of a further subject: its history, and what keeps other runs from the subject."""
    shared = ("pipeline", "action", "project_id", "user_id", "request_id", "created_at", "updated_at", "enqueued_at")
    return Run(
        **{name: getattr(leader, name) for name in shared},
        subject_type=subject_type,
        subject_id=subject_id,
        leader_id=leader.id,
        state=states.RUNNING,
        step_state="",
        started_at=leader.created_at,
        deadline_at=leader.deadline_at,
    )


def build(**new: Unpack[NewRun]) -> Run:
    """Return an unsaved run: for callers that write many at once."""
    now = timezone.now()
    context, entry, host = new["context"], catalogue.get(new["pipeline"]), new.get("host", "")
    run = Run(
        id=new.get("run_id") or uuid.uuid4(),
        pipeline=entry.name,
        action=new["action"],
        subject_type=entry.subject,
        subject_id=new["subject_id"],
        project_id=new.get("project_id") or context.project_id or "",
        user_id=context.user_id or "",
        request_id=context.request_id,
        params=tracing.carried(new.get("params") or {}),
        next_step=entry.steps[0],
        host=host,
        hosts=dict(new.get("hosts") or {}),
        queue=new.get("queue") or (states.host_queue(host) if host else states.SCHEDULER_QUEUE),
        created_at=now,
        updated_at=now,
        enqueued_at=now,
        deadline_at=now + timedelta(seconds=entry.deadline_seconds or settings.INSTANCE_BUILD_TIMEOUT),
    )
    run.subject_name = new.get("subject_name", "")  # type: ignore[attr-defined]
    return run


def record(
    *,
    context: RequestContext,
    action: str,
    subject_type: str,
    subject_id: uuid.UUID,
    project_id: str,
    host: str = "",
    step: str = "",
    reason: str = "",
) -> None:
    """Write the run of an action that is done already, in the caller's transaction. ``step``: its only one, if any.

    ``reason``: why it was done, if nobody asked for it.
    """
    now = timezone.now()
    run = Run(
        pipeline=f"{subject_type}.{action}",
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        project_id=project_id,
        user_id=context.user_id or "",
        request_id=context.request_id,
        state=states.SUCCEEDED,
        error_cause=states.BY_ITSELF if reason else "",
        error_message=reason,
        host=host,
        created_at=now,
        updated_at=now,
        enqueued_at=now,
        started_at=now,
        finished_at=now,
        deadline_at=now,
    )
    _RUNS.add([run])
    if step:
        times = {"enqueued_at": now, "started_at": now, "finished_at": now}
        Step.objects.create(run=run, name=step, host=host, result=states.SUCCESS, **times)


def start_many(*, pending: list[Run]) -> None:
    """Write runs that ``build`` made, in the caller's transaction, and send them after commit."""
    _RUNS.add(pending)
    for run in pending:
        dispatch.after_commit(run)


def cancel_active(*, subject_type: str, subject_id: uuid.UUID, reason: str) -> Run | None:
    """Take the subject's active run away from its worker, in the caller's transaction.

    The bumped token makes every message and every finish of that run stale. Of a run with several subjects, all are
    free then. The caller has locked the subject's row. Returns the cancelled run, if any.
    """
    run = _lock_active(subject_type, subject_id)
    if run is None:
        return None
    now = timezone.now()
    run.state, run.token, run.finished_at, run.updated_at = states.CANCELLED, run.token + 1, now, now
    run.error_message = reason
    run.save(update_fields=["state", "token", "finished_at", "updated_at", "error_message"])
    run.steps.filter(result="").update(result=states.CANCELLED, finished_at=now)
    if run.also:
        ended = {"state": run.state, "finished_at": now, "updated_at": now, "error_message": reason}
        Run.objects.filter(leader_id=run.id).update(**ended)
    return run


def _lock_active(subject_type: str, subject_id: uuid.UUID) -> Run | None:
    """Lock the leading row of the subject's active run: the leader first, as where a run ends. A run may end, and
    another begin, before the lock is had. Raises Conflict (409) when that does not stop.
    """
    for _ in range(ROUNDS):
        row = Run.objects.filter(subject_type=subject_type, subject_id=subject_id, state__in=states.ACTIVE).first()
        if row is None:
            return None
        run = locks.run(row.leader_id or row.id)
        if run is not None:
            return run
        if row.leader_id is not None:
            end_orphan(run_id=row.id)
    raise Conflict("Its runs follow each other faster than they can be cancelled; try again.")


def end_orphan(*, run_id: uuid.UUID) -> bool:
    """End the row of a further subject whose leading run is over, in one statement. False: there is nothing to end.

    Both rows end in one transaction, so that such a row is a fault. Without this it would keep its subject for ever.
    """
    leaders = Run.objects.filter(id=OuterRef("leader_id"), state__in=states.ACTIVE)
    orphans = Run.objects.filter(~Exists(leaders), id=run_id, state__in=states.ACTIVE).exclude(leader_id=None)
    now = timezone.now()
    return bool(orphans.update(state=states.CANCELLED, finished_at=now, updated_at=now, error_message=ORPHAN))


def resend(*, run: Run, queue: str = "") -> bool:
    """Send the run's next step again under a new token, to ``queue`` or where it was.

    Returns False when somebody was faster or the broker is away. Raises ValueError for the row of a further subject.
    """
    _check_leading(run)
    queue = queue or (_revert_queue(run) if run.next_step == states.REVERT else run.queue)
    with connection.cursor() as cursor:
        cursor.execute(sql.RESEND, [queue, run.id, run.token, run.next_step, run.step_state, run.enqueued_at])
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(sql.LOSE_STEP, [run.id])
    run.token, run.queue = row[0], queue
    return dispatch.send(run)


def order_revert(
    *, run: Run, cause: str, message: str, details: str = "", code: int = 500, retrying: bool = False, queue: str = ""
) -> bool:
    """Take the run from its worker and order a revert (a deadline passed, its host is gone), and send that at once.

    ``retrying``: another attempt follows. ``queue`` replaces the queue that serves it. Returns False when somebody
    was faster. Raises ValueError for the row of a further subject.
    """
    _check_leading(run)
    now = timezone.now()
    # As the caller saw it, or not at all: a step that ended meanwhile is healthy.
    seen = {"next_step": run.next_step, "step_state": run.step_state, "enqueued_at": run.enqueued_at}
    changed = Run.objects.filter(id=run.id, token=run.token, state__in=(states.QUEUED, states.RUNNING), **seen).update(
        state=states.REVERTING,
        next_step=states.REVERT,
        failed_step=run.next_step,
        revert_from="",
        step_state=states.STEP_QUEUED,
        queue=queue or _revert_queue(run),
        retrying=retrying,
        token=run.token + 1,
        error_cause=cause,
        error_code=code,
        error_message=message,
        error_details=details,
        enqueued_at=now,
        waiting_since=None,
        not_before=None,
        updated_at=now,
    )
    if not changed:
        return False
    run.refresh_from_db()
    run.steps.filter(result="").update(result=states.LOST, finished_at=now)
    return dispatch.send(run)


def _check_leading(run: Run) -> None:
    if run.leader_id is not None:
        raise ValueError(f"the run {run.id} follows {run.leader_id}: only a leading run is sent")


def _revert_queue(run: Run) -> str:
    """A revert does not wait behind long steps."""
    return states.host_queue(run.host) if run.queue == states.host_queue(run.host, long=True) else run.queue


def forget(*, run_ids: Sequence[uuid.UUID]) -> int:
    """Delete ended runs with their steps. Returns how many runs went."""
    ended = Run.objects.filter(id__in=list(run_ids), state__in=states.FINISHED)
    _, counts = ended.delete()
    return counts.get("workflow.Run", 0)
