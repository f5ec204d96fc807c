"""An administrator's operations on a server's runs: repeating a failed build, cancelling an active run."""

import uuid

from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.compute import locks, rpcapi, states
from apps.compute.actions import RETRY
from apps.compute.exceptions import ServerNotFound, WrongState
from apps.compute.models import Server
from apps.compute.services import servers
from apps.scheduling.selectors import hosts
from apps.workflow import catalogue
from apps.workflow import states as workflow
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import cancellation

CANCELLED = "The {action} was cancelled by an operator."


@transaction.atomic
def retry(*, context: RequestContext, server: Server) -> None:
    """Build a server again whose build failed, in a new run; hosts that failed before may be tried again.

    Nothing is reserved: an erroneous server has counted against its quota since its build ended, and its allocation,
    ports and addresses were given back then. Raises ServerNotFound (404), WrongState (409) for a server that is not
    in ERROR, Conflict (409) for one that was built once or whose build left something on a host.
    """
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    server = row
    servers.check_unlocked(context=context, server=server)
    if server.vm_state != states.ERROR:
        raise WrongState(action=RETRY.name, server=server.id, attribute="vm_state", state=server.vm_state)
    if server.task_state:
        raise WrongState(action=RETRY.name, server=server.id, attribute="task_state", state=server.task_state)
    if server.launched_at is not None:
        raise Conflict(
            f"Cannot 'retry' instance {server.id}: it was already built once. Hard-reboot it, or reset its state."
        )
    if server.has_volumes:
        raise Conflict(
            f"Cannot 'retry' instance {server.id}: its volumes were given back when its build failed. Delete it and "
            "create it again."
        )
    if server.host or run_selectors.has_active(subject_type=states.SUBJECT, subject_id=server.id):
        raise Conflict(
            f"Cannot 'retry' instance {server.id}: its build was interrupted and may have left something on a host. "
            "Delete it and create it again."
        )
    now = timezone.now()
    Server.objects.filter(id=server.id).update(
        vm_state=states.BUILDING, task_state=states.SCHEDULING, progress=0, updated_at=now,
        fault_code=None, fault_message="", fault_details="", fault_at=None,
    )  # fmt: skip
    rpcapi.build(context=context, servers=[server], action=RETRY.name)


def cancel(*, context: RequestContext, server: Server, run_id: uuid.UUID | None = None) -> str:
    """Take the active run from its worker and revert it. Returns the name of its action.

    With ``run_id`` that run or none: the page it was read on may be old, and another action under way by now.

    A build ends in ERROR with "cancelled" as its fault; a power action in the state that the host reports. Not in a
    transaction: the revert is sent at once. Raises ServerNotFound (404), ServerLocked (409), Conflict (409) if there is
    no active run, and for a delete, which cannot be undone.
    """
    row = Server.objects.filter(id=server.id, deleted_at=None).first()
    if row is None:
        raise ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    run = run_selectors.active_of(subject_type=states.SUBJECT, subject_id=server.id)
    if run is None:
        raise Conflict(f"Cannot 'cancel' for instance {server.id}: no action is running.")
    if run_id not in (None, run.id):
        raise Conflict(f"Cannot 'cancel' for instance {server.id}: this action has ended; '{run.action}' is running.")
    if catalogue.find(run.pipeline).releases:
        raise Conflict(f"Cannot 'cancel' for instance {server.id}: a delete cannot be cancelled.")
    reachable = not run.host or run.host in hosts.names_up(names=[run.host])
    message = CANCELLED.format(action=catalogue.find(run.pipeline).noun)
    cancellation.cancel(run=run, message=message, queue="" if reachable else workflow.SCHEDULER_QUEUE)
    return str(run.action)
