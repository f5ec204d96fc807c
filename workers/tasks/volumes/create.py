"""create: make the volume on its host, empty or from an image, a snapshot, another volume or a backup."""

import uuid
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings

from apps.images.selectors import images as image_selectors
from apps.volumes import states
from apps.volumes.selectors import snapshots
from apps.volumes.services import volume_states
from apps.workflow.services.claims import ClaimArguments
from workers.config import HostDrivers
from workers.drivers.storage.base import CONVERTED
from workers.drivers.volume.base import FromImage, FromSnapshot, FromVolume, Source, VolumeSpec
from workers.drivers.volume.errors import VolumeTooSmall
from workers.engine.errors import Abort, LeaseLost, TooLong
from workers.engine.steps import StepContext
from workers.mapping import images, volume_keys, volumes
from workers.tasks.volumes import backups
from workers.tasks.volumes.base import VolumeStep, patiently

if TYPE_CHECKING:
    from apps.volumes.models import Volume


class CreateVolume(VolumeStep["Volume"]):
    """The last step: it ends with the volume available. While an image's data comes, the volume is downloading."""

    name = "create"
    timeout_seconds = 12 * 3600
    status = states.CREATING

    def claim_arguments(self) -> ClaimArguments:
        return volume_states.begin_with_claim(status=states.CREATING, before=states.VOLUME_MOVES[states.DOWNLOADING])

    def begin(self, ctx: StepContext) -> None:
        super().begin(ctx)
        if ctx.subject_row.source_image_id is not None:
            ctx.subject_row = volume_states.begin(volume_id=ctx.subject_id, status=states.DOWNLOADING)
        if ctx.subject_row is None:
            raise LeaseLost

    def execute(self, ctx: StepContext) -> "Volume":
        volume = self.volume(ctx)
        make(ctx, volume, self.drivers(ctx))
        return volume

    def record(self, ctx: StepContext, result: "Volume") -> None:
        # Read again: a download takes long, and its metadata may have changed meanwhile.
        image_metadata = self.volume(ctx).image_metadata if result.source_image_id is not None else None
        if result.source_backup_id is not None:
            volume_states.end_restores(volume_id=ctx.subject_id)
        volume_states.mark_available(volume_id=ctx.subject_id, image_metadata=image_metadata)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            driver, row = self.drivers(ctx).volume, self.volume(ctx)
            if row.source_backup_id is not None or row.encrypted:
                driver.close_export(str(ctx.subject_id), None)
            driver.delete_volume(str(ctx.subject_id))


def make(ctx: StepContext, volume: "Volume", drivers: HostDrivers) -> None:
    """Make the volume in the host's pool. Repeated, it finds it there. Raises TooLong for copies and big downloads."""
    source, spec = _source(ctx, volume, drivers), volumes.volume_spec(volume)
    is_restored = volume.source_backup_id is not None
    is_new = volume.encrypted and not is_restored and not volume_keys.is_container(volume)
    if is_new and (source is None or isinstance(source, FromImage)):
        _make_encrypted(ctx, volume, drivers, source)
        return
    if not ctx.is_long and (drivers.volume.copies(spec, source) or is_restored):
        raise TooLong
    patiently(ctx, lambda: drivers.volume.create_volume(spec, source, ctx.stop))
    if is_restored:
        backups.write(ctx, drivers, str(volume.source_backup_id), spec.id)


def _make_encrypted(ctx: StepContext, volume: "Volume", drivers: HostDrivers, image: FromImage | None) -> None:
    """Make an empty volume, and write its header and the image's data to it. Repeated, it begins again.

    A volume that is a copy of an encrypted one has the header of that.
    """
    if image is not None and not ctx.is_long:
        raise TooLong
    spec, driver = volumes.volume_spec(volume), drivers.volume
    key = volume_keys.of_volume(volume.id)
    if image is not None and image.virtual_size > spec.size_gib << 30:
        raise VolumeTooSmall("The volume is too small for its image.")
    patiently(ctx, lambda: driver.create_volume(spec, None, ctx.stop))
    with backups.exported(drivers, spec.id) as export:
        ctx.checkpoint()
        driver.encrypt(export, key, spec.size_gib << 30)
        if image is not None:
            driver.write_encrypted(export, image, key, ctx.stop)


def _source(ctx: StepContext, volume: "Volume", drivers: HostDrivers) -> Source:
    if volume.source_image_id is not None:
        spec = None if volume.encrypted else volumes.volume_spec(volume)
        return cached_image(ctx, volume.source_image_id, drivers, spec)
    if volume.source_volume_id is not None:
        return FromVolume(str(volume.source_volume_id))
    if volume.source_snapshot_id is None:
        return None
    snapshot = snapshots.load(snapshot_id=volume.source_snapshot_id)
    if snapshot is None:
        raise Abort("The snapshot does not exist any more.", cause="SnapshotNotFound")
    return FromSnapshot(str(snapshot.volume_id), str(snapshot.id))


def cached_image(
    ctx: StepContext, image_id: uuid.UUID, drivers: HostDrivers, volume: VolumeSpec | None = None
) -> FromImage:
    """Have an image in the host's cache, unless the back end of a new ``volume`` has it in its own cluster. Raises
    TooLong for a big download.
    """
    image, source = images.of_image(image_selectors.get(image_id=image_id))
    in_pool = source.in_pool.removeprefix("rbd://")
    if volume is not None and in_pool and image.disk_format in ("raw", "iso", "qcow2"):
        size = image.virtual_size or (0 if image.disk_format == "qcow2" else image.size)
        if size and drivers.volume.has_content(volume, in_pool):
            return FromImage(f"/{image.sha512}", cast(Any, image.disk_format), size, in_pool)
    is_big = image.size >= settings.LONG_DOWNLOAD_MIB << 20 or image.disk_format in CONVERTED
    if is_big and not ctx.is_long and not drivers.storage.has_image(image.sha512):
        raise TooLong

    def check(_done: int, _all: int) -> None:
        if ctx.stop.is_set():
            raise LeaseLost

    cached = drivers.storage.cache_file(image, source, progress=check)
    return FromImage(cached.path, cached.format, cached.virtual_size)
