"""revert: the volume has its newest snapshot's content again."""

import uuid

from apps.volumes import states
from apps.volumes.services import volume_states
from workers.engine.errors import TooLong
from workers.engine.steps import StepContext
from workers.tasks.volumes.base import VolumeStep, patiently


class RevertVolume(VolumeStep[None]):
    """The snapshot stays. A failure leaves the volume as it was."""

    name = "restore"
    status = states.REVERTING
    timeout_seconds = 4 * 3600

    def execute(self, ctx: StepContext) -> None:
        volume, driver = self.volume(ctx), self.drivers(ctx).volume
        if volume.format == states.RAW and driver.capabilities.real_bytes and not ctx.is_long:
            raise TooLong
        key = ctx.claim.params["snapshot"]

        def revert() -> None:
            driver.fence(str(volume.id))
            driver.revert_volume(str(volume.id), key)

        patiently(ctx, revert)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_states.mark_reverted(volume_id=ctx.subject_id, snapshot_id=_snapshot(ctx))

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.failure:
            error = ctx.failure.message
            volume_states.mark_reverted(volume_id=ctx.subject_id, snapshot_id=_snapshot(ctx), error=error)


def _snapshot(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params["snapshot"])
