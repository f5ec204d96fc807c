"""Naming pipelines: the one place where compute's work is enqueued."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apps.common.context import RequestContext
from apps.compute.actions import CREATE, DELETE, RETRY, ServerAction
from apps.compute.models import Migration, Server
from apps.compute.states import SUBJECT
from apps.volumes.states import SUBJECT as VOLUME
from apps.workflow import states as workflow_states
from apps.workflow.services import runs

if TYPE_CHECKING:
    from apps.workflow.models import Run


def build(
    *,
    context: RequestContext,
    servers: list[Server],
    action: str = CREATE,
    also: Mapping[uuid.UUID, Sequence[uuid.UUID]] | None = None,
) -> None:
    """Start the build of every server. ``action`` is the name that os-instance-actions shows.

    ``also``: by a server's ID those of its volumes, on which its build works too.
    """
    if also:
        for server in servers:
            volumes = [(VOLUME, key) for key in also[server.id]]
            _start(context, RETRY.pipeline, action, server, also=volumes)
        return
    pending = [
        runs.build(
            context=context,
            pipeline=RETRY.pipeline,
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
    is_up: Callable[[str], bool],
    cancelled: "Run | None" = None,
    migration: Migration | None = None,
    action: str = DELETE.name,
) -> None:
    """Start server.delete: on the host, or on the scheduler's queue unless the host ``is_up``.

    ``cancelled``: the run that the delete took the server from. If it held several hosts, what it has there is
    released too. ``migration``: the server's open one, which holds a claim; if it waits to be confirmed, files too.
    """
    # Of a run that moved a volume of the server, hosts are the volume's.
    hosts = cancelled.hosts if cancelled is not None and cancelled.subject_type == SUBJECT else {}
    params: dict[str, Any] = {"volumes": True} if server.has_volumes else {}
    if server.shelved_image_id is not None:
        params["shelved_image"] = str(server.shelved_image_id)
    if migration is not None:
        params["migration"] = str(migration.uuid)
        if migration.destination:
            roles = (workflow_states.SOURCE, workflow_states.DESTINATION)
            hosts = dict(zip(roles, (migration.source, migration.destination), strict=True))
    moving = workflow_states.DESTINATION in hosts and workflow_states.SOURCE in hosts
    host = hosts[workflow_states.SOURCE] if moving else server.host
    _start(
        context,
        DELETE.variants[0] if moving else DELETE.pipeline,
        action,
        server,
        host=host,
        hosts=hosts if moving else None,
        params=params,
        queue=workflow_states.host_queue(host) if host and is_up(host) else workflow_states.SCHEDULER_QUEUE,
    )


def soft_delete(*, context: RequestContext, server: Server) -> None:
    """Start server.soft_delete on the server's host."""
    _start(context, DELETE.variants[-1], DELETE.name, server, host=server.host)


def act(
    *,
    context: RequestContext,
    server: Server,
    action: ServerAction,
    params: dict[str, Any],
    run_id: uuid.UUID | None = None,
    also: Sequence[tuple[str, uuid.UUID]] = (),
    where: Mapping[str, Any] | None = None,
    variant: str = "",
) -> None:
    """Start the pipeline of an action of the catalogue. ``also``: further subjects, as (type, id).

    The server's host runs its steps. In a pipeline with several hosts it has the action's role; the scheduler begins.
    ``where``: other hosts.
    """
    usual: dict[str, Any] = {"hosts": {action.host_role: server.host}} if action.host_role else {"host": server.host}
    places = usual if where is None else where
    _start(context, variant or action.pipeline, action.name, server, params=params, run_id=run_id, also=also, **places)


def record(*, context: RequestContext, action: str, server: Server, step: str = "", reason: str = "") -> None:
    """Note an action that is done already among the server's actions, in the caller's transaction.

    ``reason``: why it was done, if nobody asked for it.
    """
    runs.record(
        context=context,
        action=action,
        subject_type=SUBJECT,
        subject_id=server.id,
        project_id=server.project_id,
        host=server.host,
        step=step,
        reason=reason,
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
