"""upload: the content of a volume in the image store."""

from pathlib import Path

from apps.images.selectors import blobs
from apps.images.selectors import images as image_selectors
from apps.images.services import images
from apps.volumes import states
from apps.volumes.rpcapi import IMAGE
from apps.volumes.services import volume_states
from workers.config import HostDrivers
from workers.drivers.storage import sending
from workers.drivers.volume.base import FromVolume, VolumeSpec
from workers.engine.steps import StepContext
from workers.mapping import volume_keys
from workers.tasks.servers.snapshots import store, until_stored, watch
from workers.tasks.volumes.base import VolumeStep, patiently


class UploadVolume(VolumeStep[None]):
    """Send a copy of the volume's content to the image. It is read from a clone with the image's ID, so that a guest
    goes on to write meanwhile. Nobody but this step uses it; recovery removes one that was left.
    """

    name = "upload"
    status = states.UPLOADING
    long = True
    timeout_seconds = 4 * 3600

    def execute(self, ctx: StepContext) -> None:
        volume, drivers, key = self.volume(ctx), self.drivers(ctx), str(ctx.claim.params[IMAGE])
        clone = VolumeSpec(id=key, size_gib=volume.size, header_bytes=volume_keys.header_of(volume))
        source = FromVolume(str(volume.id))
        with until_stored(ctx):
            watch(ctx)(0, 0)
            patiently(ctx, lambda: drivers.volume.create_volume(clone, source, ctx.stop))
            path = Path(drivers.volume.read_volume(key, ctx.claim.params["format"], ctx.stop))
            if image_selectors.unfilled(run_id=ctx.claim.run_id).exists():
                self._send(ctx, path)
        _clear(ctx, drivers, str(volume.id))

    def _send(self, ctx: StepContext, path: Path) -> None:
        if blobs.is_here():
            store(ctx, path)
            return
        image_id = ctx.claim.params[IMAGE]
        url = blobs.signed_upload_url(image_id=image_id, run_id=ctx.claim.run_id)
        sending.send(path, url, watch(ctx))

    def record(self, ctx: StepContext, result: None) -> None:
        volume_states.restore(volume_id=ctx.subject_id, before=(states.UPLOADING,))

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            _clear(ctx, self.drivers(ctx), str(ctx.subject_id))
        if ctx.final and ctx.failure:
            images.discard_unfilled(run_id=ctx.claim.run_id)
            volume_states.mark_upload_failed(volume_id=ctx.subject_id, message=ctx.failure.message)


def _clear(ctx: StepContext, drivers: HostDrivers, volume_id: str) -> None:
    """Remove the clone, and let the volume's layers be merged that it had kept."""
    key = str(ctx.claim.params[IMAGE])
    drivers.volume.delete_volume(key)
    if ctx.is_long:
        patiently(ctx, lambda: drivers.volume.delete_snapshot(volume_id, key, ctx.stop))
