"""Naming pipelines: the one place where compute's work is enqueued."""

import uuid
from typing import Any

from apps.common.context import RequestContext
from apps.compute.models import Server
from apps.workflow import states as workflow_states
from apps.workflow.services import runs

SUBJECT = "server"


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

    ``cancelled``: the run that the delete took the server from. What it had claimed is released too.
    """
    queue = workflow_states.host_queue(server.host) if server.host and reachable else workflow_states.SCHEDULER_QUEUE
    params = {"cancelled": str(cancelled)} if cancelled else None
    _start(context, "server.delete", action, server, params=params, queue=queue)


def start(*, context: RequestContext, server: Server) -> None:
    _start(context, "server.start", "start", server)


def stop(*, context: RequestContext, server: Server) -> None:
    _start(context, "server.stop", "stop", server)


def unpause(*, context: RequestContext, server: Server) -> None:
    _start(context, "server.unpause", "unpause", server)


def reboot(*, context: RequestContext, server: Server, hard: bool) -> None:
    _start(context, "server.reboot", "reboot", server, params={"hard": hard})


def migrate(*, context: RequestContext, server: Server) -> None:
    """Start server.migrate: from the server's host to one that the pipeline chooses."""
    runs.start(
        context=context,
        pipeline="server.migrate",
        action="migrate",
        subject_id=server.id,
        project_id=server.project_id,
        hosts={"source": server.host},
        subject_name=server.name,
    )


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


def _start(
    context: RequestContext,
    pipeline: str,
    action: str,
    server: Server,
    params: dict[str, Any] | None = None,
    queue: str | None = None,
) -> None:
    runs.start(
        context=context,
        pipeline=pipeline,
        action=action,
        subject_id=server.id,
        project_id=server.project_id,
        host=server.host,
        params=params,
        queue=queue,
        subject_name=server.name,
    )
