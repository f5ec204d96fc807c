"""Shelve and unshelve: a server is put aside and comes back. Also the pipelines' writes when it does."""

import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, CloudError
from apps.compute import locks, states
from apps.compute.actions import SHELVE, SHELVE_OFFLOAD, UNSHELVE
from apps.compute.exceptions import UnshelveHostNotInAZ, UnshelveInstanceInvalidState
from apps.compute.models import Server
from apps.compute.selectors import volume_attachments
from apps.compute.services import ends_of_moves, server_actions, server_images, server_states
from apps.compute.services.unfilled_images import IMAGE
from apps.networking.services import bindings
from apps.scheduling.selectors import hosts
from apps.scheduling.services import allocations
from apps.volumes.services import server_volumes

log = structlog.get_logger("celerity.compute")
OFFLOAD = "offload"  # the parameter of a run that leaves the host at once
UNNAMED = object()
OFFLOADED_AT_ONCE = 100


def shelve(*, context: RequestContext, server: Server) -> None:
    """Begin to shelve a server: its disk becomes an image. One that boots from a volume needs none and leaves its host.

    Raises what an image of a server raises, WrongState and ServerLocked (409).
    """
    if volume_attachments.boots_from_volume(server):
        server_actions.begin(context=context, server=server, action=SHELVE, offload=True)
        return
    name, at_once = f"{server.name[:240]}-shelved", settings.SHELVED_OFFLOAD_TIME == 0
    server_images.begin(context, server, SHELVE, name, {"image_type": "snapshot"}, offload=at_once)


@transaction.atomic
def unshelve(*, context: RequestContext, server: Server, host: str | None = None, zone: Any = UNNAMED) -> None:
    """Begin to bring a shelved server back. ``zone`` None: any; a name stays the server's own from then on.

    A server that is on its host yet starts there: it takes neither. Raises BadRequest (400) for a zone or host that
    does not exist or a host that is down, UnshelveInstanceInvalidState and UnshelveHostNotInAZ (409), WrongState and
    ServerLocked (409).
    """
    server.refresh_from_db()
    server_actions.check_state(server=server, action=UNSHELVE)
    is_on_host = server.vm_state == states.SHELVED
    if is_on_host and (host is not None or zone is not UNNAMED):
        raise UnshelveInstanceInvalidState(instance_uuid=server.id, state=server.status)
    if isinstance(zone, str) and not hosts.zone_exists(zone=zone):
        raise BadRequest(f"The requested availability zone is not available: {zone}")
    if host is not None:
        wanted, zone_there = server.requested_zone if zone is UNNAMED else zone, ends_of_moves.destination(host)
        if wanted and zone_there != wanted:
            raise UnshelveHostNotInAZ(host=host, availability_zone=wanted)
    params: dict[str, Any] = {"host": host or ""}
    if server.shelved_image_id is not None:
        params[IMAGE] = str(server.shelved_image_id)
    variant = UNSHELVE.variants[0] if is_on_host else ""
    server_actions.begin(context=context, server=server, action=UNSHELVE, variant=variant, **params)
    if zone is not UNNAMED:
        Server.objects.filter(id=server.id).update(requested_zone=zone or "")


def offload_due() -> int:
    """Take servers from their hosts that were shelved ``SHELVED_OFFLOAD_TIME`` seconds ago. Returns how many."""
    if settings.SHELVED_OFFLOAD_TIME < 0:
        return 0
    due = timezone.now() - timedelta(seconds=settings.SHELVED_OFFLOAD_TIME)
    rows = Server.objects.filter(vm_state=states.SHELVED, task_state="", deleted_at=None, shelved_at__lt=due)
    count = 0
    for server in rows.order_by("shelved_at")[:OFFLOADED_AT_ONCE]:
        try:
            context = RequestContext(project_id=server.project_id, is_admin=True)
            server_actions.begin(context=context, server=server, action=SHELVE_OFFLOAD)
            count += 1
        except CloudError as error:  # its owner was faster
            log.info("not offloaded", server=str(server.id), reason=error.message)
    return count


def mark_shelved(*, server_id: uuid.UUID, image_id: uuid.UUID | None) -> None:
    """The guest is off, and its disk in the image. Its task continues."""
    now = timezone.now()
    values = {"vm_state": states.SHELVED, "power_state": states.SHUTDOWN, "shelved_at": now, "updated_at": now}
    _of(server_id).update(shelved_image_id=image_id, **values)
    bindings.set_server_status(server_id=server_id, up=False)


def mark_offloaded(*, server_id: uuid.UUID) -> None:
    """The server is on no host, which has its capacity back. Ports keep their addresses, volumes their attachments."""
    _of(server_id).update(
        vm_state=states.SHELVED_OFFLOADED, task_state="", power_state=states.NOSTATE, host="", zone="",
        updated_at=timezone.now(),
    )  # fmt: skip
    server_volumes.move(server_id=server_id, host="")
    bindings.move_for_server(server_id=server_id, host="")
    allocations.release(consumer_id=server_id)


def mark_unshelved(*, server_id: uuid.UUID, host: str, power_state: str) -> None:
    """The guest runs. Its task continues with the image, which is not needed any more: a delete takes it along."""
    values = {**server_states.powered(power_state), "shelved_at": None}
    _of(server_id).update(**values, launched_at=timezone.now())
    server_volumes.move(server_id=server_id, host=host)
    bindings.set_server_status(server_id=server_id, up=power_state == "running")


@transaction.atomic  # a revert may be cut off: all of it, or nothing
def follow(*, server_id: uuid.UUID, host: str) -> None:
    """The guest may run on a host that cannot be asked: the server is there, its power state unknown. Its image stays:
    it may be the only copy.
    """
    mark_unshelved(server_id=server_id, host=host, power_state="running")
    server_states.forget_power_state(server_id=server_id)


def forget_image(*, server_id: uuid.UUID) -> None:
    """The image of the disk is deleted, and the unshelve is over."""
    _of(server_id).update(shelved_image_id=None)
    server_states.end_task(server_id=server_id)


def leave_host(*, server_id: uuid.UUID, final: bool) -> None:
    """An unshelve has failed on its host. ``final``: the server stays shelved."""
    locks.server(server_id)
    if final:
        server_states.end_task(server_id=server_id)
    bindings.move_for_server(server_id=server_id, host="")
    server_states.clear_host(server_id=server_id)


def _of(server_id: uuid.UUID) -> Any:
    return Server.objects.filter(id=server_id, deleted_at=None)
