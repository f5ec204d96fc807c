"""extend: make the volume larger, also while a guest uses it."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from apps.scheduling.services import allocations
from apps.volumes import states
from apps.volumes.selectors import attachments as selectors
from apps.volumes.services import volume_states
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import PowerState
from workers.engine.errors import Abort, Retryable
from workers.engine.steps import StepContext
from workers.engine.subjects import SERVER
from workers.system.locks import LockTimeout
from workers.tasks.volumes.base import VolumeStep

if TYPE_CHECKING:
    from apps.volumes.models import Attachment

log = structlog.get_logger("celerity.agent")
SERVER_LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Extended:
    """The volume's size in GiB."""

    size: int


class ExtendVolume(VolumeStep[Extended]):
    """Claim the room, grow the volume, and let the guests that have it see its new size."""

    name = "extend"
    status = states.EXTENDING

    def execute(self, ctx: StepContext) -> Extended:
        volume, drivers, size = self.volume(ctx), self.drivers(ctx), int(ctx.claim.params["new_size"])
        if not allocations.set_disk(consumer_id=volume.id, disk_gib=size):
            raise Abort(f"The volume's host has no room for {size - volume.size} GiB more.", cause="NoRoom")
        open_here = [row for row in selectors.of_volume(volume_id=volume.id) if row.host == drivers.host]
        ctx.checkpoint()
        with _paused(drivers, open_here):
            drivers.volume.extend_volume(str(volume.id), size)
            for row in open_here:
                _show(drivers, row, size)
        return Extended(size)

    def record(self, ctx: StepContext, result: Extended) -> None:
        volume_states.mark_extended(volume_id=ctx.subject_id, new_size=result.size)

    def revert(self, ctx: StepContext) -> None:
        """A volume never shrinks: one that grew before the failure keeps its claim, and may be extended again."""
        if not ctx.final or ctx.failure is None:
            return
        volume, is_intact = self.volume(ctx), not ctx.on_host
        if ctx.on_host:
            infos = self.drivers(ctx).volume.list_volumes()
            is_intact = any(info.id == str(volume.id) and info.size_gib == volume.size for info in infos)
        volume_states.mark_extend_failed(volume_id=volume.id, message=ctx.failure.message, intact=is_intact)


@contextmanager
def _paused(drivers: HostDrivers, attachments: Sequence["Attachment"]) -> Iterator[None]:
    """Pause the running guests of a volume for the block, in which its exports are closed for a moment.

    The host's locks on the servers keep their steps, and repairs of their power states, away meanwhile.
    """
    with ExitStack() as stack:
        for server_id in sorted(row.server_id for row in attachments if row.server_id is not None):
            name = config.lock_name(drivers.host, SERVER.name, server_id)
            try:
                stack.enter_context(config.subjects.hold(name, SERVER_LOCK_SECONDS))
            except LockTimeout:
                raise Retryable("The server that has the volume is busy.", cause="ServerBusy") from None
            _pause(stack, drivers, server_id)
        yield


def _pause(stack: ExitStack, drivers: HostDrivers, server_id: uuid.UUID) -> None:
    info = drivers.hypervisor.info(str(server_id))
    if info is not None and info.power_state == PowerState.RUNNING:
        drivers.hypervisor.pause(str(server_id))
        stack.callback(drivers.hypervisor.unpause, str(server_id))


def _show(drivers: HostDrivers, attachment: "Attachment", size: int) -> None:
    """Let a guest see the new size. A guest that does not sees it when the disk is plugged in again."""
    try:
        drivers.hypervisor.resize_disk(str(attachment.server_id), str(attachment.volume_id), size << 30)
    except DriverError as error:
        log.warning("guest keeps the old size", volume=str(attachment.volume_id), error=error.details or error.message)
