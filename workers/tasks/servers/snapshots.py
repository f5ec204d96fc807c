"""The steps of a server's image: the root disk copied on its host, sent to the image store, older backups deleted."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings

from apps.compute import image_properties, states
from apps.compute.services import server_images, server_states
from apps.compute.services.unfilled_images import IMAGE
from apps.images.exceptions import ImageGone, StoreUnavailable, UploadInProgress
from apps.images.selectors import blobs
from apps.images.selectors import images as image_selectors
from apps.images.services import images
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import Quiesce
from workers.drivers.hypervisor.errors import ServerNotFound, ServerNotRunning
from workers.drivers.storage.errors import NotEnoughSpace, SnapshotRefused
from workers.engine.errors import LeaseLost, Retryable
from workers.engine.steps import SCHEDULER, StepContext
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.compute.models import Server

CHECK_SECONDS = 1.0


def _image_id(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params[IMAGE])


class Snapshot(ServerStep[None]):
    """Copy the root disk into a file of the server's. As the first step's, its revert deletes the image."""

    name = "snapshot"
    long = True
    timeout_seconds = 3600
    task_state = states.IMAGE_SNAPSHOT

    def execute(self, ctx: StepContext) -> None:
        with until_stored(ctx):
            self._copy(ctx)

    def _copy(self, ctx: StepContext) -> None:
        server, drivers = self.server(ctx), self.drivers(ctx)
        key, report = str(server.id), watch(ctx)
        report(0, 0)

        def check(done: int, total: int) -> None:
            report(done, total)
            drivers.storage.check_reserve()

        source, disk = drivers.storage.root(key), drivers.storage.prepare_snapshot(key)
        try:
            if source.in_pool:
                self._mark(server, drivers)
                if not self._may_be_clone(ctx, drivers.storage.marked_root(key)):
                    drivers.storage.snapshot_root(key, check)
            else:
                drivers.hypervisor.copy_disk(key, source.path, disk.path, _quiesce(server), check)
        except (ServerNotFound, ServerNotRunning):  # off: QEMU has the disk of a guest that sleeps open
            drivers.storage.snapshot_root(key, check)
        except NotEnoughSpace:
            drivers.storage.remove_snapshot(key)  # the other guests need the space now
            raise

    def _may_be_clone(self, ctx: StepContext, marked: str) -> bool:
        """Whether the image is a clone of what was marked; else that is copied into a file, and forgotten."""
        if not (settings.IMAGE_STORE and marked):
            return False
        with repeated():
            return images.may_be_clone(image_id=_image_id(ctx), run_id=ctx.claim.run_id, spec=marked)

    def _mark(self, server: "Server", drivers: HostDrivers) -> None:
        key = str(server.id)
        try:
            drivers.hypervisor.while_quiet(key, _quiesce(server), lambda: drivers.storage.mark_root(key))
        except (ServerNotFound, ServerNotRunning):
            drivers.storage.mark_root(key)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            with suppress(DriverError):  # recovery removes what is left
                clear(ctx.subject_id, self.drivers(ctx))
        if ctx.final:
            images.discard_unfilled(run_id=ctx.claim.run_id)
            server_states.end_task(server_id=ctx.subject_id)


def clear(server_id: uuid.UUID, drivers: HostDrivers) -> None:
    """Leave nothing of a snapshot on the host: no job, no frozen guest, no file."""
    drivers.hypervisor.end_copy(str(server_id))
    drivers.storage.remove_snapshot(str(server_id))


@contextmanager
def until_stored(ctx: StepContext) -> Iterator[None]:
    """End the block without an error if the image has its data: an earlier attempt sent it, and lost the answer."""
    try:
        yield
    except (ImageGone, SnapshotRefused):
        if not image_selectors.has_data(image_id=_image_id(ctx)):
            raise


@contextmanager
def repeated() -> Iterator[None]:
    """What ends by itself is worth another attempt: an upload's lock that a sweep holds, a cluster's silence."""
    try:
        yield
    except (UploadInProgress, StoreUnavailable) as error:
        raise Retryable(error.message, cause=error.kind, details=repr(error)) from error


def _quiesce(server: "Server") -> Quiesce:
    asked = server.image_properties
    if image_properties.truth(asked.get("os_require_quiesce", "")):
        return "required"
    return "if_possible" if image_properties.has_guest_agent(asked) else "never"


def watch(ctx: StepContext) -> Callable[[int, int], None]:
    """Return a progress callback that ends the work when the run was taken away, or its image deleted. The image shows
    how far it is.
    """
    checked_at = 0.0

    def check(done: int, total: int) -> None:
        nonlocal checked_at
        if ctx.stop.is_set():
            raise LeaseLost
        if time.monotonic() - checked_at > CHECK_SECONDS:
            checked_at = time.monotonic()
            percent = min(100, 100 * done // total) if total else 0
            if not images.note_progress(run_id=ctx.claim.run_id, percent=percent):
                raise ImageGone(id=_image_id(ctx))

    return check


class Upload(ServerStep[None]):
    """Bring the file into the image store, and remove it. The last step: the server's task ends with it."""

    name = "upload"
    long = True
    timeout_seconds = 3600
    task_state = states.IMAGE_UPLOADING

    def execute(self, ctx: StepContext) -> None:
        image_id, run_id, drivers = _image_id(ctx), ctx.claim.run_id, self.drivers(ctx)
        key = str(ctx.subject_id)
        if image_selectors.unfilled(run_id=run_id).exists():
            if settings.IMAGE_STORE and (marked := drivers.storage.marked_root(key)):
                with until_stored(ctx), repeated():
                    images.fill_with_clone(image_id=image_id, run_id=run_id, spec=marked)
            elif blobs.is_here():
                store(ctx, Path(drivers.storage.snapshot_path(key)))
            else:
                url = blobs.signed_upload_url(image_id=image_id, run_id=run_id)
                with until_stored(ctx):
                    drivers.storage.send_snapshot(key, url, watch(ctx))
        elif not image_selectors.has_data(image_id=image_id):
            raise ImageGone(id=image_id)
        drivers.storage.remove_snapshot(key)

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.end_task(server_id=ctx.subject_id)


def store(ctx: StepContext, path: Path) -> None:
    """The store is on this machine."""
    with path.open("rb") as stream:
        size = path.stat().st_size
        source = _Watched(stream, watch(ctx), size)
        images.fill(image_id=_image_id(ctx), run_id=ctx.claim.run_id, source=source, expected=size)


class _Watched:
    """A stream that looks now and then whether it is still wanted."""

    def __init__(self, stream: BinaryIO, check: Callable[[int, int], None], size: int) -> None:
        self._stream, self._check, self._size, self._done = stream, check, size, 0

    def read(self, size: int, /) -> bytes:
        self._check(self._done, self._size)
        data = self._stream.read(size)
        self._done += len(data)
        return data


class UploadBackup(Upload):
    """The same, with a step behind it that ends the task."""

    def record(self, ctx: StepContext, result: None) -> None:
        """Nothing: the task goes on."""


class Rotate(ServerStep[None]):
    """Delete the oldest backups. It is behind the pivot: the backup is there, whatever becomes of older ones."""

    name = "rotate"
    role = SCHEDULER

    def execute(self, ctx: StepContext) -> None:
        params = ctx.claim.params
        server_images.rotate(
            image_id=_image_id(ctx),
            server_id=ctx.subject_id,
            backup_type=params["backup_type"],
            rotation=params["rotation"],
        )

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.end_task(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        server_states.end_task(server_id=ctx.subject_id)
