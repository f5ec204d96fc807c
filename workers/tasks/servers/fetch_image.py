"""fetch_image: the image in the host's cache, verified, fetched once for many boots."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

from apps.compute import states
from workers.drivers.storage.base import CONVERTED, CachedImage, ImageSource, ImageSpec, StorageDriver
from workers.drivers.storage.errors import ImageUnavailable
from workers.engine.errors import Abort, LeaseLost, TooLong
from workers.engine.steps import SOURCE, StepContext
from workers.mapping import images, peers
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.compute.models import Server

log = structlog.get_logger("celerity.fetch_image")
CHECK_SECONDS = 1.0


class FetchImage(ServerStep[None]):
    name = "fetch_image"
    task_state = states.SPAWNING
    timeout_seconds = 800  # below the overall deadline's default, so that another host still gets its turn

    def execute(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.image_id is not None:
            cache(ctx, self.drivers(ctx).storage, server)
        else:
            cache_parts(ctx, self.drivers(ctx).storage, server.image_facts)

    def revert(self, ctx: StepContext) -> None:
        """The cache belongs to the host, not to the server: other boots use it; recovery evicts unused images."""


def cache(ctx: StepContext, storage: StorageDriver, server: "Server") -> None:
    """Have the server's image and its parts in the host's cache. Raises TooLong for a big download outside of the long
    steps.
    """
    check_signature(server.trusted_image_certificates)
    cache_image(ctx, storage, *images.of_server(server))
    cache_parts(ctx, storage, server.image_facts)


def check_signature(certificates: Sequence[str] | None) -> None:
    """Refuse an image whose signature is to be by one of these certificates: there is no key manager to get them of.

    As in Nova the image is not used then, whatever its properties say (nova/image/glance.py, _get_verifier).
    """
    if certificates:
        raise Abort(
            "Signature verification for the image failed: this cloud has no key manager to get certificates of.",
            cause="SignatureUnverified",
        )


def cache_moved(ctx: StepContext, storage: StorageDriver, server: "Server") -> None:
    """The same for a server that comes from another host, which has the image where it was deleted since.

    Kernel and ramdisk are among the server's files.
    """
    try:
        cache_image(ctx, storage, *images.of_server(server))
    except ImageUnavailable as error:
        if ctx.hosts[SOURCE] == ctx.host:
            raise
        log.info("image not in the store; its host has it", server=str(server.id), error=error.details)
        ctx.checkpoint()
        storage.receive_images(str(server.id), peers.peer_of(ctx.hosts[SOURCE]), ctx.stop)


def cache_parts(ctx: StepContext, storage: StorageDriver, facts: Mapping[str, Any]) -> None:
    """The same for the kernel and the ramdisk that belong to an image."""
    for _, image, source in images.parts_of(facts):
        cache_image(ctx, storage, image, source, as_file=True)


def cache_image(
    ctx: StepContext, storage: StorageDriver, image: ImageSpec, source: ImageSource, *, as_file: bool = False
) -> CachedImage:
    """Have an image where the host's disks are made of it, or as a file of its cache.

    Raises TooLong, outside of the long steps, for a big download and for an image that is to be converted.
    """
    is_big = image.size >= settings.LONG_DOWNLOAD_MIB << 20 or image.disk_format in CONVERTED
    if is_big and source.in_pool and image.disk_format == "raw":
        is_big = as_file or not storage.capabilities.shared
    if is_big and not ctx.is_long and not storage.has_image(image.sha512):
        raise TooLong
    cache = storage.cache_file if as_file else storage.cache_image
    return cache(image, source, progress=_watch(ctx))


def _watch(ctx: StepContext) -> Callable[[int, int], None]:
    """Return a progress callback that ends a long download when the run was taken away (a delete, say)."""
    checked_at = time.monotonic()

    def check(done: int, total: int) -> None:
        nonlocal checked_at
        if ctx.stop.is_set():
            raise LeaseLost
        if time.monotonic() - checked_at > CHECK_SECONDS:
            checked_at = time.monotonic()
            ctx.checkpoint()

    return check
