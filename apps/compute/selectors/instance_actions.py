"""A server's actions and their events: the runs of its pipelines, and their steps."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.compute import faults
from apps.compute.exceptions import ServerNotFound
from apps.compute.models import Server
from apps.compute.selectors import server_lists, servers
from apps.compute.states import SUBJECT
from apps.workflow import states as workflow
from apps.workflow.selectors import runs

if TYPE_CHECKING:
    from apps.workflow.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One attempt of one step. ``result`` is Success, Error or None while it runs."""

    name: str
    started_at: datetime
    finished_at: datetime | None
    result: str | None
    host: str
    message: str
    details: str


def server_of(*, context: RequestContext, server_id: Any, deleted_too: bool) -> Server:
    """Return the caller's server, also a deleted one with ``deleted_too``. Raises ServerNotFound (404)."""
    if not deleted_too:
        return servers.get(context=context, server_id=server_id)
    key = parse_uuid(server_id)
    rows = Server.objects.all() if context.is_admin else Server.objects.filter(project_id=context.project_id)
    server = rows.defer(*servers.HEAVY).filter(id=key).first() if key else None
    if server is None:
        raise ServerNotFound(server=str(server_id)[:64])
    return server


def changed(*, server_id: uuid.UUID, since: datetime | None = None, before: datetime | None = None) -> QuerySet["Run"]:
    """Return a server's runs, those of a period where times are given; ``before`` counts as documents show it."""
    rows = runs.of_subject(subject_type=SUBJECT, subject_id=server_id)
    rows = rows.defer("params", "explanation", "error_details", "excluded_hosts")
    if since:
        rows = rows.filter(updated_at__gte=since)
    if before:
        rows = rows.filter(updated_at__lt=server_lists.end_of(before))
    return rows


NOVAS = "compute_"  # events that have Nova's own name


def get(*, server_id: uuid.UUID, request_id: str) -> "Run":
    """Return the run that a request started. Raises NotFound (404)."""
    return runs.get_by_request(subject_type=SUBJECT, subject_id=server_id, request_id=request_id[:64])


def reason_of(run: "Run") -> str | None:
    """Return why an action failed, or was done unasked, in words for the user; else None. Nova says only "Error"."""
    if run.error_cause == workflow.BY_ITSELF:
        return str(run.error_message)
    if run.state != workflow.FAILED:
        return None
    return faults.with_advice(action=run.action, cause=run.error_cause, message=run.error_message)


def events(*, run: "Run") -> list[Event]:
    """Return a run's steps in the order of their starts."""
    return [
        Event(
            name=step.name if step.name.startswith(NOVAS) else f"{run.pipeline}.{step.name}",
            started_at=step.started_at,
            finished_at=step.finished_at,
            result=_result(step.result),
            host=step.host,
            message=step.error_message,
            details=step.error_details,
        )
        for step in runs.steps_of(run_ids=[run.id])
    ]


def _result(result: str) -> str | None:
    if result == "":
        return None
    return "Success" if result == workflow.SUCCESS else "Error"
