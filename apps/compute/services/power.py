"""Start, stop, unpause, reboot and the administrator's reset."""

from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.compute import locks, rpcapi, states
from apps.compute.models import Server
from apps.compute.services import servers
from apps.quotas.services import reservations
from apps.workflow.services import runs


def _with_host(server: Server, action: str) -> None:
    if not server.host:
        told = f"Cannot '{action}' instance {server.id} while it is in vm_state {server.vm_state}"
        raise Conflict(f"{told}: it has no host, its build did not get that far.")


@transaction.atomic
def start(*, context: RequestContext, server: Server) -> None:
    """Raises WrongState (409)."""
    allowed = states.ACTION_STATES["start"]
    servers.begin_action(context=context, server=server, action="start", allowed=allowed, task=states.POWERING_ON)
    _with_host(server, "start")
    rpcapi.start(context=context, server=server)


@transaction.atomic
def stop(*, context: RequestContext, server: Server) -> None:
    """Raises WrongState (409)."""
    allowed = states.ACTION_STATES["stop"]
    servers.begin_action(context=context, server=server, action="stop", allowed=allowed, task=states.POWERING_OFF)
    _with_host(server, "stop")
    rpcapi.stop(context=context, server=server)


@transaction.atomic
def unpause(*, context: RequestContext, server: Server) -> None:
    """Let a paused guest go on. Hosts pause guests too, when a disk fails or is full. Raises WrongState (409)."""
    allowed = states.ACTION_STATES["unpause"]
    servers.begin_action(context=context, server=server, action="unpause", allowed=allowed, task=states.UNPAUSING)
    _with_host(server, "unpause")
    rpcapi.unpause(context=context, server=server)


@transaction.atomic
def reboot(*, context: RequestContext, server: Server, hard: bool) -> None:
    """Raises WrongState (409)."""
    allowed = states.ACTION_STATES["reboot_hard" if hard else "reboot_soft"]
    task = states.REBOOTING_HARD if hard else states.REBOOTING
    servers.begin_action(context=context, server=server, action="reboot", allowed=allowed, task=task)
    _with_host(server, "reboot")
    rpcapi.reboot(context=context, server=server, hard=hard)


@transaction.atomic
def reset_state(*, context: RequestContext, server: Server, vm_state: str) -> None:
    """Set the state by hand (administrators): active or error. Touches nothing on the host.

    A run under way is cancelled: it would otherwise go on against the state that was just set.
    """
    locks.server(server.id)
    runs.cancel_active(subject_id=server.id, reason="The state was reset by an administrator.")
    reservations.commit(consumers=[server.id])
    values = {"vm_state": vm_state, "task_state": "", "updated_at": timezone.now()}
    if vm_state == states.ACTIVE:
        values |= {"fault_code": None, "fault_message": "", "fault_details": "", "fault_at": None}
    Server.objects.filter(id=server.id, deleted_at=None).update(**values)
    rpcapi.record(context=context, action="resetState", server=server)
