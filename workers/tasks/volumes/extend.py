"""extend: make the volume larger, also while a guest uses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from apps.common.context import RequestContext
from apps.compute.services import server_volumes
from apps.scheduling.services import allocations
from apps.volumes import states
from apps.volumes.selectors import pools
from apps.volumes.services import volume_states
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.engine.errors import Abort
from workers.engine.steps import StepContext
from workers.mapping import exports, volumes
from workers.tasks.volumes.base import VolumeStep, patiently

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Volume

log = structlog.get_logger("celerity.agent")
RESUME_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Extended:
    """The volume's size in GiB."""

    size: int


class ExtendVolume(VolumeStep[Extended]):
    """Claim the room, grow the volume, and let the guests that have it see its new size.

    The exports are closed for some milliseconds. A guest that asks its disk for something meanwhile is paused by the
    hypervisor before it sees an error, and runs on when they are back; if this step dies, recovery does that. Guests on
    other hosts see the new size once the row has it.
    """

    name = "extend"
    status = states.EXTENDING

    def execute(self, ctx: StepContext) -> Extended:
        volume, drivers, size = self.volume(ctx), self.drivers(ctx), int(ctx.claim.params["new_size"])
        if why := _claim(volume, size):
            raise Abort(
                f"The volume's pool has no room for {size - volume.size} GiB more.", cause="NoRoom", details=why
            )
        guests = volumes.open_on_host(volume.id, drivers.host)
        try:
            patiently(ctx, lambda: drivers.volume.extend_volume(str(volume.id), size))
            _show(drivers, guests, size)
        finally:
            _resume(drivers, guests)
        return Extended(size)

    def record(self, ctx: StepContext, result: Extended) -> None:
        if not volume_states.mark_extended(volume_id=ctx.subject_id, new_size=result.size):
            raise Abort("The volume's status was changed while it was extended.", cause="StatusChanged")
        server_volumes.note_extension(context=_context(ctx), volume_id=ctx.subject_id)
        volume_id, host = ctx.subject_id, ctx.host
        transaction.on_commit(lambda: exports.tell_guests_of(volume_id, but=host))

    def revert(self, ctx: StepContext) -> None:
        """A volume never shrinks: one that grew before the failure, or may have, is in error and keeps its claim."""
        if not ctx.final or ctx.failure is None:
            return
        volume, is_intact = self.volume(ctx), False
        if ctx.on_host:
            infos = self.drivers(ctx).volume.list_volumes()
            is_intact = any(info.id == str(volume.id) and info.size_gib == volume.size for info in infos)
        volume_states.mark_extend_failed(volume_id=volume.id, message=ctx.failure.message, intact=is_intact)


def _context(ctx: StepContext) -> RequestContext:
    claim = ctx.claim
    return RequestContext(user_id=claim.user_id, project_id=claim.project_id, request_id=claim.request_id)


def _claim(volume: "Volume", size: int) -> str:
    """Claim the room; return "" or why there is none: for operators."""
    if pools.takes_host_disk(volume.backend):
        return "" if allocations.set_disk(consumer_id=volume.id, disk_gib=size) else f"the host {volume.host} is full"
    uses = [use for use in pools.of_backend(backend=volume.backend, but=volume.id) if use.pool.host == volume.host]
    reasons = [reason for use in uses if (reason := use.shortfall(size - volume.size))]
    return f"the pool {reasons[0]}" if reasons else ""


def _show(drivers: HostDrivers, guests: Sequence["Attachment"], size: int) -> None:
    """Let guests see the new size. One that does not sees it when the disk is plugged in again."""
    for guest in guests:
        try:
            drivers.hypervisor.resize_disk(str(guest.server_id), volumes.serial_of(guest), size << 30)
        except DriverError as error:
            log.warning("guest keeps the old size", volume=str(guest.volume_id), error=error.details or error.message)


def _resume(drivers: HostDrivers, guests: Sequence["Attachment"]) -> None:
    """Let guests run on that asked for something while the exports were closed."""
    for guest in guests:
        try:
            drivers.hypervisor.resume_after_io_error(str(guest.server_id), RESUME_SECONDS)
        except DriverError as error:
            log.warning("guest not resumed", server=str(guest.server_id), error=error.details or error.message)
