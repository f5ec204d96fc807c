"""The steps that move a volume to another back end: its target is chosen, the data copied, the source removed."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from apps.volumes import states
from apps.volumes.selectors import pools, volume_types
from apps.volumes.services import volume_migrations
from apps.workflow.services import leases
from workers.config import HostDrivers
from workers.drivers.volume import copying, encryption
from workers.drivers.volume.base import Export, ExportSpec, VolumeDriver
from workers.drivers.volume.encryption import DiskKey
from workers.drivers.volume.errors import StorageHostDown, StorageHostSilent
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import DESTINATION, SCHEDULER, SOURCE, StepContext
from workers.mapping import volume_keys, volumes
from workers.tasks import hearing
from workers.tasks.volumes.base import VolumeStep, patiently
from workers.tasks.volumes.schedule import Scheduled, refusal

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Volume

SILENCE_SECONDS = 120.0


class MoveStep(VolumeStep[None]):
    """A step of a move after the first one."""

    def begin(self, ctx: StepContext) -> None:
        """The volume has its status already."""
        if not volume_migrations.is_moving(volume_id=ctx.subject_id):
            raise LeaseLost


class ScheduleTarget(VolumeStep[Scheduled]):
    """The first step: its revert gives the claim back, and on the last attempt tells the volume's project."""

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60

    def execute(self, ctx: StepContext) -> Scheduled:
        volume, excluded = self.volume(ctx), ctx.claim.excluded_hosts
        ctx.assign(SOURCE, volume.host)
        choice = hearing.chosen(
            ctx,
            lambda: volume_migrations.choose(volume_id=volume.id, params=ctx.claim.params, without=excluded),
            refusal,
        )
        ctx.assign(DESTINATION, choice.host)
        return Scheduled(choice.zone, choice.explanation)

    def record(self, ctx: StepContext, result: Scheduled) -> None:
        if result.explanation:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def revert(self, ctx: StepContext) -> None:
        volume_migrations.release_target(volume_id=ctx.subject_id)
        if ctx.final and ctx.failure:
            volume_migrations.mark_failed(volume_id=ctx.subject_id, message=ctx.failure.message)


class CopyVolume(MoveStep):
    """Make the volume on the target, and copy its data there. Once this is recorded, the volume is there.

    The target's host reads the volume as a server would: by an attachment, that has the run's ID. A copy that was cut
    short is removed, and begun again.
    """

    name = "copy"
    role = DESTINATION
    needs = (SOURCE,)
    long = True
    timeout_seconds = 12 * 3600

    def execute(self, ctx: StepContext) -> None:
        volume, drivers = self.volume(ctx), self.drivers(ctx)
        if not volume.target_host:
            raise Abort("The volume's target was given up.", cause="TargetGone")
        target, key = driver_of(drivers, volume.target_backend), str(volume.id)
        attachment = volume_migrations.reader(volume=volume, run_id=ctx.claim.run_id, host=ctx.host)
        discard(ctx, target, key)
        source = _connect(ctx, attachment, drivers)
        spec = volumes.volume_spec(volume, backend=volume.target_backend, form=form_of(ctx, volume))
        keys = _keys(ctx, volume)
        if keys is not None:
            spec = replace(spec, header_bytes=encryption.header_bytes(keys[1].key_size) if keys[1] is not None else 0)
        patiently(ctx, lambda: target.create_volume(spec, None, ctx.stop))
        export = target.open_export(key, ExportSpec(f"m{ctx.claim.run_id.hex}", owner=str(ctx.claim.run_id)))
        ctx.checkpoint()
        if keys is not None:
            if keys[1] is not None:
                target.encrypt(export, keys[1], spec.size_gib << 30)
            target.copy_encrypted(source, export, keys, ctx.stop)
        elif target.capabilities.real_bytes:
            copying.copy(source, export, ctx.stop)
        target.close_export(key, export.name)
        _disconnect(attachment, drivers)

    def record(self, ctx: StepContext, result: None) -> None:
        volume_migrations.switch(
            volume_id=ctx.subject_id,
            run_id=ctx.claim.run_id,
            volume_type_id=ctx.claim.params.get("type"),
            form=form_of(ctx, self.volume(ctx)),
            changes_key=volume_migrations.CHANGES_KEY in ctx.claim.params,
        )

    def revert(self, ctx: StepContext) -> None:
        volume = self.volume(ctx)
        if ctx.on_host and volume.target_host:
            drivers = self.drivers(ctx)
            _disconnect(_attachment(ctx, volume), drivers)
            discard(ctx, driver_of(drivers, volume.target_backend), str(volume.id))
        volume_migrations.end_reading(run_id=ctx.claim.run_id)


class RemoveSource(MoveStep):
    """Remove the data where it was. It is behind the pivot: if the source is lost, its recovery removes the rest."""

    name = "remove_source"
    role = SOURCE
    timeout_seconds = 600

    def execute(self, ctx: StepContext) -> None:
        if ctx.on_host:
            discard(ctx, driver_of(self.drivers(ctx), ctx.claim.params["from"]), str(ctx.subject_id))

    def record(self, ctx: StepContext, result: None) -> None:
        volume_migrations.mark_done(volume_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        volume_migrations.mark_done(volume_id=ctx.subject_id)


def _keys(ctx: StepContext, volume: "Volume") -> tuple[DiskKey | None, DiskKey | None] | None:
    """Return the keys of the volume and of its copy, None for one in clear text. None: the copy is as the volume is."""
    if volume_migrations.CHANGES_KEY not in ctx.claim.params:
        return None
    here = volume_keys.of_volume(volume.id) if volume.encrypted else None
    is_next = volume_keys.has_next(volume.id)
    return here, volume_keys.of_volume(volume.id, is_next=True) if is_next else None


def _connect(ctx: StepContext, attachment: "Attachment", drivers: HostDrivers) -> Export:
    """Have the source's data here. An agent that restarts is waited for; a host that is down ends the run itself."""
    deadline = time.monotonic() + SILENCE_SECONDS
    while True:
        try:
            if volumes.is_direct(attachment):
                driver = driver_of(drivers, attachment.volume.backend)
                return driver.open_export(str(attachment.volume_id), volumes.export_spec(attachment))
            return volumes.connect(attachment, drivers)
        except (StorageHostDown, StorageHostSilent):
            if ctx.stop.wait(1) or time.monotonic() > deadline:
                raise
            ctx.checkpoint()


def _disconnect(attachment: "Attachment", drivers: HostDrivers) -> None:
    volumes.disconnect(attachment, drivers)
    if volumes.is_direct(attachment):
        driver = driver_of(drivers, attachment.volume.backend)
        driver.close_export(str(attachment.volume_id), volumes.export_spec(attachment).name)


def _attachment(ctx: StepContext, volume: "Volume") -> "Attachment":
    return volume_migrations.reader(volume=volume, run_id=ctx.claim.run_id, host=ctx.host)


def form_of(ctx: StepContext, volume: "Volume") -> str:
    """Return the format of the copy: raw where several servers may have it, and where guests use it by themselves."""
    chosen = volume_types.load(type_id=ctx.claim.params["type"]) if "type" in ctx.claim.params else volume.volume_type
    if pools.is_direct(volume.target_backend):
        return states.RAW
    return states.RAW if volume_types.allows_multiattach(chosen) else states.QCOW2


def driver_of(drivers: HostDrivers, backend: str) -> VolumeDriver:
    """Return the driver of one back end of the host: while a volume moves, two may have it."""
    known = drivers.volume.backends()
    if known and backend not in known:
        raise Abort(f"The host does not have the back end {backend}.", cause="PoolUnavailable")
    return known.get(backend, drivers.volume)


def discard(ctx: StepContext, driver: VolumeDriver, key: str) -> None:
    """Remove a volume of a pool with its exports. Absent is success."""

    def remove() -> None:
        driver.close_export(key, None)
        driver.delete_volume(key)

    patiently(ctx, remove)
