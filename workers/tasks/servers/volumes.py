"""The steps that attach a volume to a server and detach one. The run's params name the attachment and the volume."""

import time
import uuid
from typing import TYPE_CHECKING

import structlog

from apps.compute.selectors import volume_attachments as selectors
from apps.compute.services import volume_attachments
from apps.volumes.selectors import attachments
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.errors import GuestHoldsDevice
from workers.engine.errors import Abort, TooLong
from workers.engine.steps import StepContext
from workers.mapping import exports, hardware, volumes
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.volumes.models import Attachment

log = structlog.get_logger("celerity.agent")
ASK_SECONDS = 5.0  # how long the guest is asked before the step is a long one
RELEASE_SECONDS = 35.0  # CSI gives up on a detachment after 48 s, and a last question may begin just before


def _attachment_id(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params["attachment"])


def _volume_id(ctx: StepContext) -> str:
    return str(ctx.claim.params["volume"])


def _serial(ctx: StepContext) -> str:
    """Return by which serial number the guest knows the disk."""
    row = attachments.load(attachment_id=_attachment_id(ctx))
    return volumes.serial_of(row) if row is not None else _volume_id(ctx)


def _attachment(ctx: StepContext) -> "Attachment":
    """Return the attachment. Raises Abort when the server does not have it any more."""
    row = attachments.load(attachment_id=_attachment_id(ctx))
    if row is None:
        raise Abort("The server does not have this volume any more.", cause="AttachmentNotFound")
    return row


class _VolumeStep(ServerStep[None]):
    def plug(self, ctx: StepContext, drivers: HostDrivers) -> None:
        """Open the export and give the guest the disk. Repeated, it gives the same."""
        attachment, device = _attachment(ctx), selectors.load(attachment_id=_attachment_id(ctx))
        if device is None:
            raise Abort("The server does not have this volume any more.", cause="AttachmentNotFound")
        bus = hardware.bus_of(self.server(ctx), device)
        export = volumes.connect(attachment, drivers, alone=True)
        ctx.checkpoint()
        drivers.hypervisor.attach_disk(str(ctx.subject_id), volumes.disk_spec(attachment, export, bus=bus))

    def disconnect(self, ctx: StepContext, drivers: HostDrivers) -> None:
        """Close the export. Without a row there is no name of it: the host's recovery closes it."""
        if (attachment := attachments.load(attachment_id=_attachment_id(ctx))) is not None:
            volumes.disconnect(attachment, drivers)


class PlugVolume(_VolumeStep):
    """Give the guest the disk: its volume is in use then. If that fails, the server is without it."""

    name = "plug_volume"

    def execute(self, ctx: StepContext) -> None:
        drivers = self.drivers(ctx)
        volume_attachments.connect(attachment_id=_attachment_id(ctx), host=ctx.host)
        self.plug(ctx, drivers)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_attachments.mark_attached(attachment_id=_attachment_id(ctx))

    def revert(self, ctx: StepContext) -> None:
        is_plugged = ctx.on_host and not self._unplugged(ctx)
        if ctx.final and is_plugged:
            volume_attachments.mark_attached(attachment_id=_attachment_id(ctx))
        elif ctx.final:
            volume_attachments.remove(attachment_id=_attachment_id(ctx))

    def _unplugged(self, ctx: StepContext) -> bool:
        """Take the disk back. False: the guest may have it, so the server keeps it; it can be detached later.

        An export that cannot be closed is closed by the host's recovery.
        """
        drivers, serial = self.drivers(ctx), _serial(ctx)
        try:
            drivers.hypervisor.detach_disk(str(ctx.subject_id), serial, ASK_SECONDS)
        except DriverError as error:
            log.warning("server keeps the volume", volume=_volume_id(ctx), error=error.details or error.message)
            return False
        try:
            self.disconnect(ctx, drivers)
        except DriverError as error:
            log.warning("export not closed", volume=_volume_id(ctx), error=error.details or error.message)
        return True


class UnplugVolume(_VolumeStep):
    """Take the disk from the guest once it has released it. A guest that takes its time is waited for by a long step.

    A failure leaves the server with the volume, which is in use again. On a dead host no guest has it.
    """

    name = "unplug_volume"

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        hypervisor, deadline = self.drivers(ctx).hypervisor, time.monotonic() + RELEASE_SECONDS
        serial = _serial(ctx)
        while True:
            ctx.checkpoint()
            try:
                return hypervisor.detach_disk(str(ctx.subject_id), serial, ASK_SECONDS)
            except GuestHoldsDevice:
                if not ctx.is_long:
                    raise TooLong from None
                if time.monotonic() > deadline:
                    raise

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            try:
                self.plug(ctx, self.drivers(ctx))
            except (DriverError, Abort) as error:  # the next power-on plugs it, or another detachment succeeds
                log.warning("volume not plugged again", volume=_volume_id(ctx), error=str(error))
        if ctx.final:
            volume_attachments.keep(attachment_id=_attachment_id(ctx))


class DisconnectVolume(_VolumeStep):
    """Close the export, and free the volume. It is behind the pivot: if it is given up, the rows change."""

    name = "disconnect_volume"

    def execute(self, ctx: StepContext) -> None:
        if ctx.on_host:
            self.disconnect(ctx, self.drivers(ctx))
        elif (attachment := attachments.load(attachment_id=_attachment_id(ctx))) is not None:
            exports.close_for(attachment)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_attachments.remove(attachment_id=_attachment_id(ctx))

    def revert(self, ctx: StepContext) -> None:
        volume_attachments.remove(attachment_id=_attachment_id(ctx))
