"""The steps of snapshots: made and deleted on the host of their volume."""

from contextlib import suppress

from apps.volumes import states
from apps.volumes.selectors.snapshots import MOMENT
from apps.volumes.services import snapshot_states
from workers.drivers.errors import DriverError
from workers.engine.errors import Abort, TooLong
from workers.engine.steps import StepContext
from workers.mapping import quiescing
from workers.tasks.volumes.base import SnapshotStep, patiently


class CreateSnapshot(SnapshotStep[None]):
    """Keep the volume's content, also while a guest uses it."""

    name = "create"
    status = states.CREATING
    timeout_seconds = 4 * 3600

    def execute(self, ctx: StepContext) -> None:
        snapshot, driver = self.snapshot(ctx), self.drivers(ctx).volume
        if snapshot.volume.format == states.RAW and driver.capabilities.real_bytes and not ctx.is_long:
            raise TooLong

        def take() -> list[str]:
            driver.check_free(str(snapshot.volume_id))  # no guest waits for a volume that is busy
            with quiescing.quiesced(snapshot.volume_id) as missed:
                driver.create_snapshot(str(snapshot.volume_id), str(snapshot.id), ctx.stop)
            return missed

        missed = patiently(ctx, take)
        if missed and ctx.claim.params.get("must_wait"):
            raise Abort("The agent in the server's guest did not freeze its file systems.", cause="NotQuiesced")
        if missed:
            snapshot_states.tell_crash_consistent(snapshot_id=snapshot.id, server_ids=missed)

    def record(self, ctx: StepContext, result: None) -> None:
        snapshot_states.mark_available(snapshot_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            self.drivers(ctx).volume.delete_snapshot(str(self.snapshot(ctx).volume_id), str(ctx.subject_id))
        if MOMENT in ctx.claim.params:
            with suppress(DriverError):
                quiescing.release(self.snapshot(ctx).volume_id)
        if ctx.final and ctx.failure:
            snapshot_states.mark_error(snapshot_id=ctx.subject_id, message=ctx.failure.message)


class DeleteSnapshot(SnapshotStep[None]):
    """Forget the snapshot. What its file alone has is merged, which may take minutes. If the host is out of reach, the
    row goes alone; the host's recovery does the rest.
    """

    name = "delete"
    status = states.DELETING
    timeout_seconds = 4 * 3600
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        driver = self.drivers(ctx).volume
        if driver.capabilities.real_bytes and not ctx.is_long:
            raise TooLong
        key = str(self.snapshot(ctx).volume_id)
        patiently(ctx, lambda: driver.delete_snapshot(key, str(ctx.subject_id), ctx.stop))

    def record(self, ctx: StepContext, result: None) -> None:
        snapshot_states.mark_deleted(snapshot_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.failure:
            snapshot_states.mark_delete_failed(snapshot_id=ctx.subject_id, message=ctx.failure.message)
