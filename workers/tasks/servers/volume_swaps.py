"""The steps that put another volume in the place of a server's: opened, copied to while the guest writes, the old one
closed. The run's params name both volumes and their attachments.

Which one the guest has, the host says, not the rows (``disk_source``): a step that was cut short looks first.
"""

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from apps.compute.selectors import volume_attachments as selectors
from apps.compute.services import volume_attachments, volume_swaps
from apps.volumes.selectors import attachments
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import DiskSpec
from workers.drivers.volume import copying
from workers.drivers.volume.base import Export
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import StepContext
from workers.mapping import exports, hardware, volumes
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.volumes.models import Attachment

log = structlog.get_logger("celerity.agent")


def _old_id(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params["attachment"])


def _new_id(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params["new_attachment"])


def _both(ctx: StepContext) -> "tuple[Attachment, Attachment]":
    """Return both attachments, the old one first. Raises Abort when one of them is gone."""
    old, new = attachments.load(attachment_id=_old_id(ctx)), attachments.load(attachment_id=_new_id(ctx))
    if old is None or new is None:
        raise Abort("The server does not have this volume any more.", cause="AttachmentNotFound")
    return old, new


class OpenNewVolume(ServerStep[None]):
    """Have the new volume here. As the first step's, its revert frees it, and the server keeps the old one."""

    name = "open_new_volume"

    def execute(self, ctx: StepContext) -> None:
        _, new = _both(ctx)
        volumes.connect(new, self.drivers(ctx), alone=True)

    def revert(self, ctx: StepContext) -> None:
        new = attachments.load(attachment_id=_new_id(ctx))
        if new is not None and not volume_swaps.is_switched(new_attachment_id=new.id):
            _close(ctx, new)
        if ctx.final:
            volume_swaps.give_up(attachment_id=_old_id(ctx), new_attachment_id=_new_id(ctx))


@dataclass(frozen=True, slots=True)
class Swapped:
    """``live``: the guest went on with the new volume; else none was on."""

    live: bool


class SwapVolume(ServerStep[Swapped]):
    """Copy the data, and let the guest go on with the new volume: the pivot. Until then it has the old one."""

    name = "swap_volume"
    long = True
    timeout_seconds = 12 * 3600

    def execute(self, ctx: StepContext) -> Swapped:
        drivers = self.drivers(ctx)
        old, new = _both(ctx)
        size = new.volume.size << 30
        disk = self._disk(ctx, old, volumes.connect(new, drivers))
        disk = replace(disk, limits=volumes.limits_of(new.volume))
        ctx.checkpoint()
        if drivers.hypervisor.swap_disk(str(ctx.subject_id), disk, size, lambda done, total: _check(ctx)):
            return Swapped(live=True)
        if drivers.volume.capabilities.real_bytes:
            with volumes.exported(old, drivers) as source, volumes.exported(new, drivers) as target:
                copying.copy(source, target, ctx.stop, is_blank=False)
        volumes.disconnect(new, drivers)
        return Swapped(live=False)

    def record(self, ctx: StepContext, result: Swapped) -> None:
        self._switch(ctx, live=result.live)

    def has_passed(self, ctx: StepContext) -> bool:
        """While the hypervisor cannot say it, the step is repeated."""
        try:
            return self._is_new(ctx)
        except DriverError:
            return True

    def _is_new(self, ctx: StepContext) -> bool:
        """Return whether the guest has the new volume: it has written to that alone since. Of a host that is lost the
        rows are all that is known.
        """
        old, new = attachments.load(attachment_id=_old_id(ctx)), attachments.load(attachment_id=_new_id(ctx))
        if old is None or new is None or not ctx.on_host:
            return False
        name = self.drivers(ctx).hypervisor.disk_source(str(ctx.subject_id), volumes.serial_of(old))
        return volumes.is_opened_as(new, name)

    def asks_host(self, ctx: StepContext) -> bool:
        """Neither volume is freed before it is known which one the guest has."""
        new = attachments.load(attachment_id=_new_id(ctx))
        return new is not None and not volume_swaps.is_switched(new_attachment_id=new.id)

    def revert(self, ctx: StepContext) -> bool:
        if volume_swaps.is_switched(new_attachment_id=_new_id(ctx)):
            return True
        try:
            is_new = self._is_new(ctx)
        except DriverError as error:  # the sweeper has it reverted again
            log.warning("nobody knows which volume the guest has", server=str(ctx.subject_id), error=error.message)
            raise LeaseLost from error
        if is_new:
            self._switch(ctx, live=True)
            return True
        if ctx.on_host:
            try:
                self.drivers(ctx).hypervisor.end_copy(str(ctx.subject_id))
            except DriverError as error:  # the new volume is not freed under a copy
                log.warning("copy not ended", server=str(ctx.subject_id), error=error.message)
                raise LeaseLost from error
            self._end_exports(ctx)
        return False

    def _switch(self, ctx: StepContext, *, live: bool) -> None:
        volume_swaps.switch(attachment_id=_old_id(ctx), new_attachment_id=_new_id(ctx), host=ctx.host, live=live)

    def _disk(self, ctx: StepContext, old: "Attachment", export: Export) -> DiskSpec:
        """Return the guest's disk as it is, of the new volume."""
        device = selectors.load(attachment_id=old.id) or selectors.load(attachment_id=_new_id(ctx))
        bus = hardware.bus_of(self.server(ctx), device) if device is not None else None
        return volumes.disk_spec(old, export, bus=bus)

    def _end_exports(self, ctx: StepContext) -> None:
        """Close what the copy of a volume that no guest had has left."""
        for key in (_old_id(ctx), _new_id(ctx)):
            if (row := attachments.load(attachment_id=key)) is not None:
                volumes.end_export(row, self.drivers(ctx))


class CloseOldVolume(ServerStep[None]):
    """Close the old volume's export, and free it. It is behind the pivot: if it is given up, the rows change."""

    name = "close_old_volume"

    def execute(self, ctx: StepContext) -> None:
        if (old := attachments.load(attachment_id=_old_id(ctx))) is None:
            return
        if ctx.on_host:
            volumes.disconnect(old, self.drivers(ctx))
        else:
            exports.close_for(old)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_attachments.remove(attachment_id=_old_id(ctx))

    def revert(self, ctx: StepContext) -> None:
        if (old := attachments.load(attachment_id=_old_id(ctx))) is not None:
            _close(ctx, old)
        volume_attachments.remove(attachment_id=_old_id(ctx))


def _check(ctx: StepContext) -> None:
    if ctx.stop.is_set():
        raise LeaseLost


def _close(ctx: StepContext, attachment: "Attachment") -> None:
    """An export that cannot be closed is closed by the host's recovery."""
    if not ctx.on_host or not isinstance(ctx.drivers, HostDrivers):
        exports.close_for(attachment)
        return
    try:
        volumes.disconnect(attachment, ctx.drivers)
    except DriverError as error:
        log.warning("export not closed", volume=str(attachment.volume_id), error=error.details or error.message)
