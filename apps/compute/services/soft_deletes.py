"""Deferred deletes: a deleted server is kept, powered off, for a time in which it can be restored."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.compute import locks, rpcapi, states
from apps.compute.actions import DELETE, FORCE_DELETE, RESTORE
from apps.compute.exceptions import ServerInUse, ServerNotFound
from apps.compute.models import Server
from apps.compute.selectors import migrations as migration_selectors
from apps.compute.selectors import volume_swaps
from apps.compute.services import migrations, server_actions, servers, unfilled_images
from apps.quotas.services import reservations
from apps.workflow import catalogue
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

RECLAIMED_AT_ONCE = 100


@transaction.atomic
def delete(*, context: RequestContext, server: Server) -> None:
    """Do what a delete does: at once, or after ``RECLAIM_INSTANCE_INTERVAL`` seconds.

    A server that was never ACTIVE has nothing to restore and is deleted at once. One that waits already, or is being
    deleted, stays as it is. Raises ServerNotFound (404), ServerLocked (409), and ServerInUse (409) while it is moved or
    another subject's run works on it.
    """
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    if row.vm_state == states.SOFT_DELETED and not row.task_state and settings.RECLAIM_INSTANCE_INTERVAL:
        return
    if not settings.RECLAIM_INSTANCE_INTERVAL or row.launched_at is None or not row.host:
        servers.delete(context=context, server=row)
    elif _interrupt(row):
        values = {"task_state": states.SOFT_DELETING, "admin_password": "", "updated_at": timezone.now()}
        if (
            row.vm_state == states.SOFT_DELETED
        ):  # it was being restored, and its guest may be on: it counts until it is off
            values |= {"vm_state": states.ACTIVE, "soft_deleted_at": None}
            reservations.commit(consumers=[row.id])
        Server.objects.filter(id=row.id).update(**values)
        rpcapi.soft_delete(context=context, server=row)
        audit.record(DELETE.event, "server", row.id)


def _interrupt(server: Server) -> bool:
    """Cancel the server's run, if there is one. Returns False where it deletes the server already."""
    active = run_selectors.active_of(subject_type=states.SUBJECT, subject_id=server.id)
    if active is None:
        return True
    is_servers = (active.subject_type, active.subject_id) == (states.SUBJECT, server.id)
    if is_servers and (catalogue.find(active.pipeline).releases or active.pipeline == DELETE.variants[-1]):
        return False
    if not is_servers or active.hosts or volume_swaps.is_copy(active):
        raise ServerInUse(action=DELETE.name, server=server.id, user=active.action)
    reason = "The server was deleted."
    cancelled = runs.cancel_active(subject_type=states.SUBJECT, subject_id=server.id, reason=reason)
    unfilled_images.give_up(run=cancelled)
    return True


@transaction.atomic
def restore(*, context: RequestContext, server: Server) -> None:
    """Begin to restore a server, which counts against the quota again. Raises QuotaExceeded (403), WrongState (409)."""
    server_actions.begin(context=context, server=server, action=RESTORE)
    # Last, because the usage row stays locked until the commit.
    usage = migrations.usage_held(migration_selectors.open_of(server_id=server.id), server)
    reservations.reserve(owner_id=server.project_id, each=usage, consumers=[server.id])


def reclaim() -> int:
    """Delete servers whose time is over: all that wait, where deletes are not deferred any more.

    Returns how many; the next round does the rest.
    """
    due = timezone.now() - timedelta(seconds=settings.RECLAIM_INSTANCE_INTERVAL)
    rows = Server.objects.filter(vm_state=states.SOFT_DELETED, task_state="", deleted_at=None, soft_deleted_at__lt=due)
    count = 0
    for server in rows.order_by("soft_deleted_at")[:RECLAIMED_AT_ONCE]:
        count += _reclaim(server.id, server.project_id)
    return count


@transaction.atomic
def _reclaim(server_id: uuid.UUID, project_id: str) -> bool:
    """Delete one, unless it is being restored by now."""
    row = locks.server(server_id)
    if row is None or row.vm_state != states.SOFT_DELETED or row.task_state:
        return False
    context = RequestContext(project_id=project_id, is_admin=True)
    servers.delete(context=context, server=row, action=FORCE_DELETE.name)
    return True
