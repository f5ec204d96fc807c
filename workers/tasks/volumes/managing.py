"""The steps that take over what a pool has, as volumes and snapshots, and release them."""

from apps.scheduling.services import allocations
from apps.volumes import states
from apps.volumes.services import snapshot_states, volume_states
from workers.drivers.volume.base import VolumeInfo
from workers.engine.steps import StepContext
from workers.mapping import volumes
from workers.tasks.volumes.base import SnapshotStep, VolumeStep, patiently
from workers.tasks.volumes.schedule import ScheduleVolume


class ScheduleManaged(ScheduleVolume):
    """The volume is on its host already: room is claimed there, and until the end it stays there."""

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            super().revert(ctx)
        else:
            allocations.release(consumer_id=ctx.subject_id)


class AdoptVolume(VolumeStep[VolumeInfo]):
    """Take it over under the volume's ID. Its revert gives it back under its name."""

    name = "adopt"
    status = states.CREATING

    def execute(self, ctx: StepContext) -> VolumeInfo:
        spec, driver = volumes.volume_spec(self.volume(ctx)), self.drivers(ctx).volume
        return patiently(ctx, lambda: driver.adopt_volume(spec, ctx.claim.params["reference"]))

    def record(self, ctx: StepContext, result: VolumeInfo) -> None:
        volume_states.set_format(volume_id=ctx.subject_id, form=result.format)
        volume_states.mark_available(volume_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            driver = self.drivers(ctx).volume
            patiently(ctx, lambda: driver.release_volume(str(ctx.subject_id), ctx.claim.params["reference"]))


class ReleaseVolume(VolumeStep[None]):
    """Release it. Its host has to be there: what has no row would be removed."""

    name = "release"
    status = states.DELETING

    def execute(self, ctx: StepContext) -> None:
        driver = self.drivers(ctx).volume
        patiently(ctx, lambda: driver.release_volume(str(ctx.subject_id), ctx.claim.params["reference"]))

    def record(self, ctx: StepContext, result: None) -> None:
        volume_states.mark_deleted(volume_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        """The volume stays."""
        volume = self.volume(ctx)
        if ctx.on_host:
            driver = self.drivers(ctx).volume
            if not driver.has(str(volume.id)):
                driver.adopt_volume(volumes.volume_spec(volume), ctx.claim.params["reference"])
        if ctx.final and ctx.failure:
            volume_states.keep(volume_id=volume.id, message=ctx.failure.message)


class AdoptSnapshot(SnapshotStep[None]):
    name = "adopt"
    status = states.CREATING

    def execute(self, ctx: StepContext) -> None:
        _rename(self, ctx, ctx.claim.params["kept_as"], str(ctx.subject_id))

    def record(self, ctx: StepContext, result: None) -> None:
        snapshot_states.mark_available(snapshot_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            _give_back(self, ctx, str(ctx.subject_id), ctx.claim.params["kept_as"])
        if ctx.final and ctx.failure:
            snapshot_states.mark_error(snapshot_id=ctx.subject_id, message=ctx.failure.message)


class ReleaseSnapshot(SnapshotStep[None]):
    name = "release"
    status = states.DELETING

    def execute(self, ctx: StepContext) -> None:
        _rename(self, ctx, str(ctx.subject_id), ctx.claim.params["kept_as"])

    def record(self, ctx: StepContext, result: None) -> None:
        snapshot_states.mark_deleted(snapshot_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            _give_back(self, ctx, ctx.claim.params["kept_as"], str(ctx.subject_id))
        if ctx.final and ctx.failure:
            snapshot_states.keep(snapshot_id=ctx.subject_id, message=ctx.failure.message)


def _rename(step: SnapshotStep[None], ctx: StepContext, name: str, new: str) -> None:
    driver, key = step.drivers(ctx).volume, str(step.snapshot(ctx).volume_id)
    patiently(ctx, lambda: driver.rename_snapshot(key, name, new))


def _give_back(step: SnapshotStep[None], ctx: StepContext, name: str, new: str) -> None:
    """Undo a renaming, if it was done."""
    driver, key = step.drivers(ctx).volume, str(step.snapshot(ctx).volume_id)
    known = {info.id: info.snapshots for info in driver.list_volumes(known=[key])}.get(key, ())
    kept = (item.reference for item in driver.list_unmanaged_snapshots(key))
    if name in (*known, *kept):
        driver.rename_snapshot(key, name, new)
