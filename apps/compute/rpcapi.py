"""Naming pipelines: the one place where compute's work is enqueued."""

import uuid
from typing import Any

from apps.common.context import RequestContext
from apps.compute.actions import ServerAction
from apps.compute.models import Server
from apps.compute.states import SUBJECT
from apps.workflow import states as workflow_states
from apps.workflow.services import runs


def build(*, context: RequestContext, servers: list[Server], action: str = "create") -> None:
    """Start server.build for every server. ``action`` is the name that os-instance-actions shows."""
    pending = [
        runs.build(
            context=context,
            pipeline="server.build",
            action=action,
            subject_id=server.id,
            project_id=server.project_id,
            subject_name=server.name,
        )
        for server in servers
    ]
    runs.start_many(pending=pending)


def delete(
    *,
    context: RequestContext,
    server: Server,
    reachable: bool,
    cancelled: uuid.UUID | None = None,
    action: str = "delete",
) -> None:
    """Start server.delete: on the host, or on the scheduler's queue when the host cannot be reached.

    ``cancelled``: the run that the delete took the server from. Its claim is released too.
    """
    queue = workflow_states.host_queue(server.host) if server.host and reachable else workflow_states.SCHEDULER_QUEUE
    params = {"cancelled": str(cancelled)} if cancelled else None
    _start(context, "server.delete", action, server, host=server.host, params=params, queue=queue)


def act(*, context: RequestContext, server: Server, action: ServerAction, params: dict[str, Any]) -> None:
    """Start the pipeline of an action of the catalogue.

    The server's host runs its steps. In a pipeline with several hosts it has the action's role; the scheduler begins.
    """
    where: dict[str, Any] = {"hosts": {action.host_role: server.host}} if action.host_role else {"host": server.host}
    _start(context, action.pipeline, action.name, server, params=params, **where)


def record(*, context: RequestContext, action: str, server: Server) -> None:
    """Note an action that needs no worker among the server's actions, in the caller's transaction."""
    runs.record(
        context=context,
        action=action,
        subject_type=SUBJECT,
        subject_id=server.id,
        project_id=server.project_id,
        host=server.host,
    )


def _start(context: RequestContext, pipeline: str, action: str, server: Server, **values: Any) -> None:
    runs.start(
        context=context,
        pipeline=pipeline,
        action=action,
        subject_id=server.id,
        project_id=server.project_id,
        subject_name=server.name,
        **values,
    )
