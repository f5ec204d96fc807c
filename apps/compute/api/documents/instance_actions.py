"""Actions and events as documents, by microversion."""

from typing import TYPE_CHECKING, Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.compute.api.documents import base
from apps.compute.selectors import instance_actions
from apps.compute.selectors.instance_actions import Event

if TYPE_CHECKING:
    from apps.workflow.models import Run

FIELDS = {"updated_at": since("2.58")}
EVENT_FIELDS = {"hostId": since("2.62"), "host": since("2.62"), "details": since("2.84")}
EVENTS_FOR_OWNERS = since("2.51")


def render(run: "Run", version: Version) -> dict[str, Any]:
    document = {
        "action": run.action,
        "instance_uuid": str(run.subject_id),
        "message": instance_actions.reason_of(run),
        "project_id": run.project_id or None,
        "user_id": run.user_id or None,
        "request_id": run.request_id,
        "start_time": microseconds(run.created_at),
        "updated_at": microseconds(run.updated_at),
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render_event(event: Event, *, project_id: str, version: Version, full: bool, details: bool) -> dict[str, Any]:
    """``full``: with fields for administrators (traceback, host); ``details``: with the reason of a failure."""
    document = {
        "event": event.name,
        "start_time": microseconds(event.started_at),
        "finish_time": microseconds(event.finished_at),
        "result": event.result,
        "traceback": event.details or None,
        "host": event.host or None,
        "hostId": base.hashed_host(project_id=project_id, host=event.host),
        "details": event.message or None,
    }
    hidden = set(microversions.hidden(EVENT_FIELDS, version))
    hidden |= set() if full else {"traceback", "host"}
    hidden |= set() if details else {"details"}
    return microversions.without(document, hidden)
