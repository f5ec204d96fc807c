"""Writing servers: creation, updates, deletion; each state change is a compare-and-swap."""

import uuid
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.common.sql.inserts import Inserts
from apps.compute import locks, rpcapi, states
from apps.compute.actions import ACTIONS, DELETE, LOCK, UNLOCK
from apps.compute.exceptions import ServerLocked, ServerNotFound
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import migrations
from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices, server_groups, server_volumes, unfilled_images
from apps.compute.services.server_requests import ServerRequest, limits
from apps.quotas.services import reservations
from apps.scheduling.selectors import hosts
from apps.volumes.services import server_volumes as volume_services
from apps.workflow import catalogue
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

if TYPE_CHECKING:
    from apps.volumes.models import Volume

_MAY_HAVE_MOVED = (states.RESIZED, states.SOFT_DELETED, states.ERROR)  # and may hold something on another host
OWNER, ADMINISTRATOR = "owner", "admin"
_SERVERS = Inserts("compute_server_insert", Server)
_BLOCK_DEVICES = Inserts("compute_block_device_insert", BlockDevice)


def create(*, context: RequestContext, request: ServerRequest) -> list[Server]:
    """Write servers, block devices, reservations and runs in one transaction; the builds are sent after commit.

    As many as the request's ``max_count`` are made, fewer when the quota has room for at least ``min_count``.
    Raises QuotaExceeded (403), OverQuota (409) of ports.
    """
    usage = selectors.usage_of(request.template.flavor)
    least, count = request.min_count, request.max_count
    if count > 1:
        count = limits.room(context=context, usage=usage, least=least, most=count)
    servers = request.rows(count)
    with transaction.atomic():
        limits.check_ports(request.template, count)
        if request.template.group_id:
            server_groups.join(context=context, group_id=request.template.group_id, adding=count)
        _SERVERS.add(servers)
        new, also = _write_disks(servers, request)
        rpcapi.build(context=context, servers=servers, also=also)
        audit.record_many("server.create", "server", [server.id for server in servers])
        # Last, because the usage row stays locked until the commit.
        if new:
            volume_services.reserve(volumes=new)
        reservations.reserve(owner_id=str(context.project_id), each=usage, consumers=[s.id for s in servers])
    return servers


def _write_disks(
    servers: list[Server], request: ServerRequest
) -> tuple[list["Volume"], dict[uuid.UUID, list[uuid.UUID]]]:
    """Write the servers' disks. Returns the volumes that their builds are to make, and each server's volumes' IDs."""
    if not request.volumes:
        _BLOCK_DEVICES.add([device for server in servers for device in block_devices.make(server, request.disks)])
        return [], {}
    volumes = {server.id: server_volumes.devices_of(server, request.volumes) for server in servers}
    new = server_volumes.write([pair for rows in volumes.values() for pair in zip(rows, request.volumes, strict=True)])
    _BLOCK_DEVICES.add(
        [row for server in servers for row in block_devices.make(server, request.disks, volumes[server.id])]
    )
    return new, {key: server_volumes.subjects(rows) for key, rows in volumes.items()}


def update(*, server: Server, values: dict[str, Any]) -> Server:
    """Change the values that users may change: name, description, access addresses, host name, disk config."""
    Server.objects.filter(id=server.id, deleted_at=None).update(**values, updated_at=timezone.now())
    server.refresh_from_db()
    return server


def pinned(*, server: Server, zone: str | None) -> dict[str, str]:
    """Return what the row of a server keeps that is bound to its zone, or to none (None).

    Raises Conflict (409) for another zone than that it is in, or is bound to.
    """
    if zone is None:
        return {"requested_zone": ""}
    if server.requested_zone and zone != server.requested_zone:
        raise Conflict(
            "Cannot change pinned availability zone directly. Unpin first by setting pinned_availability_zone to null."
        )
    if not server.requested_zone and zone != server.zone:
        raise Conflict(
            f"Server can only be pinned to its current availability zone '{server.zone}', but '{zone}' was requested."
        )
    return {"requested_zone": zone}


@transaction.atomic
def lock(*, context: RequestContext, server: Server, reason: str | None = None) -> None:
    """Lock it. A lock that an administrator has set stays his if the owner locks it too."""
    who = locker(context=context, server=server)
    rows = Server.objects.filter(id=server.id)
    if who == OWNER:
        rows = rows.exclude(locked=True)
    rows.update(locked=True, locked_by=who, locked_reason=reason)
    rpcapi.record(context=context, action=LOCK.name, server=server)


@transaction.atomic
def unlock(*, context: RequestContext, server: Server) -> None:
    Server.objects.filter(id=server.id).update(locked=False, locked_by="", locked_reason=None)
    rpcapi.record(context=context, action=UNLOCK.name, server=server)


@transaction.atomic
def delete(*, context: RequestContext, server: Server, action: str = DELETE.name) -> None:
    """Begin to delete: legal in every state. An active run loses its token; there is one delete at a time.

    A delete of a server that is being deleted already changes nothing. A run of another subject that works on the
    server is cancelled, even if it deletes that subject. Raises ServerNotFound (404), ServerLocked (409).
    """
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    server = row
    check_unlocked(context=context, server=server)
    active = run_selectors.active_of(subject_type=states.SUBJECT, subject_id=server.id)
    is_servers = active is not None and (active.subject_type, active.subject_id) == (states.SUBJECT, server.id)
    if active is not None and is_servers and catalogue.find(active.pipeline).releases:
        return
    cancelled = runs.cancel_active(subject_type=states.SUBJECT, subject_id=server.id, reason="The server was deleted.")
    Server.objects.filter(id=server.id).update(task_state=states.DELETING, updated_at=timezone.now())
    # Hosts are looked at now, with the row locked: before, the build may not have chosen its host yet.
    migration = None
    if server.vm_state in _MAY_HAVE_MOVED or (cancelled is not None and is_servers and cancelled.hosts):
        migration = migrations.open_of(server_id=server.id)
    rpcapi.delete(
        context=context, server=server, is_up=hosts.is_up, cancelled=cancelled, migration=migration, action=action
    )
    unfilled_images.give_up(run=cancelled)
    if ACTIONS[action].recorded:
        audit.record(ACTIONS[action].event, "server", server.id)


def locker(*, context: RequestContext, server: Server) -> str:
    """Return as whom the caller locks a server: as its owner, or as an administrator (nova/compute/api.py, lock)."""
    return OWNER if server.project_id == context.project_id else ADMINISTRATOR


def check_unlocked(*, context: RequestContext, server: Server) -> None:
    """Raise ServerLocked (409) for anyone but administrators."""
    if server.locked and not context.is_admin:
        raise ServerLocked(server=server.id)
