"""What an operator does to a run of a server: the server's own operations, from the run's page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.common import audit
from apps.common.admin import Operation, Operator, operations, panels
from apps.compute.admin.server_operations import ADMIN_RULE
from apps.compute.rpcapi import SUBJECT
from apps.compute.selectors import server_counts
from apps.compute.services import instance_actions
from apps.workflow import states


def _retry(operator: Operator, run: Any, values: dict[str, Any]) -> str:
    with audit.action("server.retry", "server", run.subject_id):
        instance_actions.retry(context=operator.context, server_id=run.subject_id)
    return "The server is being built again, by a run of its own."


def _cancel(operator: Operator, run: Any, values: dict[str, Any]) -> str:
    with audit.action("server.cancel", "server", run.subject_id):
        action = instance_actions.cancel(server_id=run.subject_id, run_id=run.id)
    return f"'{action}' is cancelled; what it has done is being undone."


def _subject(request: HttpRequest, run: Any) -> panels.Panel | None:
    """Return the way to the server. 1 query."""
    if run.subject_type != SUBJECT:
        return None
    name = server_counts.names(server_ids=[run.subject_id]).get(run.subject_id)
    link = {"text": name, "href": reverse("admin:compute_server_change", args=[run.subject_id])} if name else ""
    pairs: list[tuple[str, Any]] = [
        ("server", link or str(run.subject_id)), ("host", run.host), ("queue", run.queue), ("request", run.request_id),
    ]  # fmt: skip
    return panels.facts("Of", pairs)


panels.add("workflow.run", _subject, position=10)
operations.add(
    "workflow.run",
    Operation(
        name="retry", title="Build again", icon="replay", run=_retry, rule=ADMIN_RULE,
        offered=lambda run: run.pipeline == "server.build" and run.state in (states.FAILED, states.CANCELLED),
        explains="A new run builds the server as it was asked for, when it is in ERROR because its build failed.",
    ),
    Operation(
        name="cancel", title="Cancel", icon="cancel", danger=True, run=_cancel, rule=ADMIN_RULE,
        offered=lambda run: run.subject_type == SUBJECT and run.state in (states.QUEUED, states.RUNNING)
        and run.pipeline != "server.delete",
        explains="The run is taken from its worker, and what it has done is undone: a build ends in ERROR, a power "
        "action in the state that the host reports.",
    ),
)  # fmt: skip
