"""reimage: an image's content instead of all that the volume has."""

import uuid
from typing import TYPE_CHECKING

from apps.volumes import states
from apps.volumes.services import volume_states
from workers.config import HostDrivers
from workers.drivers.volume.base import Export, FromImage
from workers.engine.errors import TooLong
from workers.engine.steps import StepContext
from workers.mapping import volume_keys
from workers.tasks.volumes import backups
from workers.tasks.volumes.base import VolumeStep, patiently
from workers.tasks.volumes.create import cached_image

if TYPE_CHECKING:
    from apps.volumes.models import Volume


class ReimageVolume(VolumeStep[None]):
    """Snapshots keep their content. Repeated, it begins again; given up, the volume is in error, half written."""

    name = "reimage"
    status = states.DOWNLOADING
    timeout_seconds = 12 * 3600

    def execute(self, ctx: StepContext) -> None:
        volume, drivers = self.volume(ctx), self.drivers(ctx)
        if drivers.volume.capabilities.real_bytes and not ctx.is_long:
            raise TooLong
        image = cached_image(ctx, uuid.UUID(ctx.claim.params["source"]), drivers)

        def write() -> None:
            drivers.volume.fence(str(volume.id))
            with backups.exported(drivers, str(volume.id)) as export:
                ctx.checkpoint()
                write_image(ctx, drivers, volume, export, image)

        patiently(ctx, write)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_states.mark_reimaged(volume_id=ctx.subject_id, image_metadata=ctx.claim.params["metadata"])

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            self.drivers(ctx).volume.close_export(str(ctx.subject_id), None)
        if ctx.final and ctx.failure:
            error = ctx.failure.message
            volume_states.mark_error(volume_id=ctx.subject_id, message=error, event="copy image to volume")


def write_image(ctx: StepContext, drivers: HostDrivers, volume: "Volume", export: Export, image: FromImage) -> None:
    """Write an image over an open volume. Of one that is encrypted, what it had cannot be read any more."""
    if not volume.encrypted:
        drivers.volume.write_image(export, image, ctx.stop)
        return
    key = volume_keys.of_volume(volume.id)
    drivers.volume.encrypt(export, key, volume.size << 30)
    drivers.volume.write_encrypted(export, image, key, ctx.stop)
