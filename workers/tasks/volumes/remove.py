"""delete: remove the volume's files and snapshots from its host, then its rows."""

from apps.volumes import states
from apps.volumes.services import volume_states
from workers.engine.steps import StepContext
from workers.tasks.volumes.base import VolumeStep, patiently


class DeleteVolume(VolumeStep[None]):
    """If the host is out of reach, the rows go alone; its recovery removes the files. A failure leaves the volume in
    error_deleting: it can be deleted again.
    """

    name = "delete"
    status = states.DELETING
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        driver, key = self.drivers(ctx).volume, str(ctx.subject_id)

        def delete() -> None:
            driver.fence(key)
            driver.close_export(key, None)  # left by a detachment that was cut short: no attachment has it
            driver.delete_volume(key)

        patiently(ctx, delete)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_states.mark_deleted(volume_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.failure:
            volume_states.mark_delete_failed(volume_id=ctx.subject_id, message=ctx.failure.message)
