"""The steps that move a volume which a server has: made on the target, copied by the server's host while the guest
writes, which goes on there; the source removed by the last step of any move.

Which copy the guest has, the host says, not the rows (``disk_source``): a step that was cut short looks first.
"""

import uuid
from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from apps.compute.services import volume_swaps
from apps.volumes.selectors import attachments
from apps.volumes.services import attached_migrations, volume_migrations
from workers.drivers.errors import DriverError
from workers.drivers.volume import copying
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import DESTINATION, HOST, SOURCE, StepContext
from workers.mapping import volumes
from workers.tasks.volumes import migrate
from workers.tasks.volumes.base import patiently
from workers.tasks.volumes.schedule import Scheduled

if TYPE_CHECKING:
    from apps.volumes.models import Attachment

log = structlog.get_logger("celerity.agent")


def _attachment_id(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params["attachment"])


def _attachment(ctx: StepContext) -> "Attachment":
    """Return the server's attachment. Raises Abort when the server does not have the volume any more."""
    row = attachments.load(attachment_id=_attachment_id(ctx))
    if row is None:
        raise Abort("The server does not have this volume any more.", cause="AttachmentNotFound")
    return row


class ScheduleTargetOfAttached(migrate.ScheduleTarget):
    """The same, and the server's host, which copies."""

    def execute(self, ctx: StepContext) -> Scheduled:
        ctx.assign(HOST, _attachment(ctx).host)
        return super().execute(ctx)


class MakeTarget(migrate.MoveStep):
    """Make an empty volume on the target."""

    name = "make_target"
    role = DESTINATION

    def execute(self, ctx: StepContext) -> None:
        volume, drivers = self.volume(ctx), self.drivers(ctx)
        if not volume.target_host:
            raise Abort("The volume's target was given up.", cause="TargetGone")
        target = migrate.driver_of(drivers, volume.target_backend)
        migrate.discard(ctx, target, str(volume.id))
        spec = volumes.volume_spec(volume, backend=volume.target_backend, form=migrate.form_of(ctx, volume))
        patiently(ctx, lambda: target.create_volume(spec, None, ctx.stop))

    def revert(self, ctx: StepContext) -> None:
        volume = self.volume(ctx)
        if ctx.on_host and volume.target_host:
            migrate.discard(ctx, migrate.driver_of(self.drivers(ctx), volume.target_backend), str(volume.id))


class MoveGuest(migrate.MoveStep):
    """Copy the data, and let the guest go on with it on the target: the pivot. Until then it has the source."""

    name = "move_guest"
    role = HOST
    needs = (SOURCE, DESTINATION)
    long = True
    timeout_seconds = 12 * 3600

    def execute(self, ctx: StepContext) -> None:
        volume, drivers, before = self.volume(ctx), self.drivers(ctx), _attachment(ctx)
        if not volume.target_host:
            raise Abort("The volume's target was given up.", cause="TargetGone")
        there = attached_migrations.arrival(volume=volume, run_id=ctx.claim.run_id, attachment=before)
        disk = volumes.disk_spec(before, volumes.connect(there, drivers))
        ctx.checkpoint()
        server_id = str(before.server_id)
        if not drivers.hypervisor.swap_disk(server_id, disk, volume.size << 30, lambda done, total: _check(ctx)):
            if migrate.driver_of(drivers, volume.target_backend).capabilities.real_bytes:
                with volumes.exported(before, drivers) as source, volumes.exported(there, drivers) as target:
                    copying.copy(source, target, ctx.stop, is_blank=False)
            volumes.disconnect(there, drivers)
        volumes.disconnect(before, drivers)

    def record(self, ctx: StepContext, result: None) -> None:
        self._switch(ctx)

    def has_passed(self, ctx: StepContext) -> bool:
        """While the hypervisor cannot say it, the step is repeated."""
        try:
            return self._is_there(ctx)
        except DriverError:
            return True

    def asks_host(self, ctx: StepContext) -> bool:
        """A guest that has the target has written to that alone: the target is not removed before this is known."""
        return attachments.load(attachment_id=ctx.claim.run_id) is not None

    def revert(self, ctx: StepContext) -> bool:
        there = attachments.load(attachment_id=ctx.claim.run_id)
        if there is None:
            return False
        try:
            is_there = not there.at_target or self._is_there(ctx)
        except DriverError as error:  # the sweeper has it reverted again
            log.warning("nobody knows which copy the guest has", volume=str(ctx.subject_id), error=error.message)
            raise LeaseLost from error
        if is_there:
            self._leave_source(ctx)
            self._switch(ctx)
            return True
        self._stay(ctx, there)
        return False

    def _is_there(self, ctx: StepContext) -> bool:
        """Return whether the guest has the target: it has written to that alone since. Of a host that is lost the rows
        are all that is known.
        """
        there = attachments.load(attachment_id=ctx.claim.run_id)
        if there is None or not ctx.on_host:
            return False
        name = self.drivers(ctx).hypervisor.disk_source(str(there.server_id), volumes.serial_of(there))
        return volumes.is_opened_as(there, name)

    def _switch(self, ctx: StepContext) -> None:
        volume = self.volume(ctx)
        with transaction.atomic():
            if volume.target_host:
                volume_migrations.switch(
                    volume_id=ctx.subject_id,
                    run_id=ctx.claim.run_id,
                    volume_type_id=ctx.claim.params.get("type"),
                    form=migrate.form_of(ctx, volume),
                )
            volume_swaps.take_over(run_id=ctx.claim.run_id, attachment_id=_attachment_id(ctx))

    def _stay(self, ctx: StepContext, there: "Attachment") -> None:
        """End the copy, and close what it had open at the target. The target is not removed under a copy."""
        drivers = self.drivers(ctx)
        try:
            drivers.hypervisor.end_copy(str(there.server_id))
        except DriverError as error:
            log.warning("copy not ended", volume=str(ctx.subject_id), error=error.message)
            raise LeaseLost from error
        try:
            for row in (there, attachments.load(attachment_id=_attachment_id(ctx))):
                if row is not None:
                    volumes.end_export(row, drivers)
            volumes.disconnect(there, drivers)
        except DriverError as error:  # the target's removal closes it
            log.warning("export not closed", volume=str(ctx.subject_id), error=error.details or error.message)
        attached_migrations.end_arrival(run_id=ctx.claim.run_id)

    def _leave_source(self, ctx: StepContext) -> None:
        """The guest has it no more; what is not closed here goes with the source's data."""
        before = attachments.load(attachment_id=_attachment_id(ctx))
        if before is not None and ctx.on_host:
            volumes.disconnect(before, self.drivers(ctx))


def _check(ctx: StepContext) -> None:
    if ctx.stop.is_set():
        raise LeaseLost
