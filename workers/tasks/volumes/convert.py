"""The step that keeps a volume's data in another format, in its own place: raw, where several servers may have it."""

from apps.volumes.services import volume_migrations
from workers.engine.steps import HOST, StepContext
from workers.tasks.volumes import migrate
from workers.tasks.volumes.base import patiently


class ConvertVolume(migrate.MoveStep):
    """Write the data in the other format, then forget the former. A failure leaves the volume in one of them, which its
    row names.
    """

    name = "convert"
    role = HOST
    long = True
    timeout_seconds = 4 * 3600

    def execute(self, ctx: StepContext) -> None:
        volume, driver = self.volume(ctx), self.drivers(ctx).volume
        patiently(ctx, lambda: driver.convert_volume(str(volume.id), "raw", ctx.stop))

    def record(self, ctx: StepContext, result: None) -> None:
        volume_migrations.mark_converted(volume_id=ctx.subject_id, volume_type_id=ctx.claim.params["type"])

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            infos = self.drivers(ctx).volume.list_volumes()
            form = next((info.format for info in infos if info.id == str(ctx.subject_id)), None)
            volume_migrations.note_format(volume_id=ctx.subject_id, form=form)
        if ctx.final and ctx.failure:
            volume_migrations.mark_failed(volume_id=ctx.subject_id, message=ctx.failure.message)
