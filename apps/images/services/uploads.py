"""Uploads of image data: staged, inspected, and only then visible."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.images import attributes, exceptions, inspection, locks, pool, states
from apps.images.models import Image
from apps.images.selectors import blobs as blob_selectors
from apps.images.selectors import images as selectors
from apps.images.services import blobs, charges

log = structlog.get_logger("celerity.images")
CHUNK = 1024 * 1024


def upload(*, image: Image, source: inspection.Readable, expected: int | None = None) -> Image:
    """Store the data of a queued image and make it active. ``expected`` is the announced length in bytes.

    The data must be in the declared disk_format; backing and data files, oversized virtual sizes and truncated files
    are refused. After a refusal, or if the client disconnects, the image is queued again and nothing is kept.

    Raises WrongStatus, UploadInProgress (409), TooManyBytes,
    QuotaExceeded (413), NoRoom (507), BadBits, UploadCutOff (400), ImageGone (410; it was deleted meanwhile).
    """
    admit(image=image, expected=expected)
    with locks.upload(image.id) as held:
        if not held:
            raise exceptions.UploadInProgress(id=image.id)
        return _upload(image, source, expected, charges.Charge(image))


def fill(*, image_id: uuid.UUID, run_id: uuid.UUID, source: inspection.Readable, expected: int) -> None:
    """Store the data that a run has made for its image, with the checks and the quota of any upload.

    An image that has its data already is success: the run's step may be repeated. So is an upload of that step whose
    process died: this one takes its place. Raises what ``upload`` raises; ImageNotFound (404) for a deleted image.
    """
    with _unfilled(image_id) as image:
        if image is not None:
            admit(image=image, expected=expected, run_id=run_id)
            _upload(image, source, expected, charges.Charge(image))


@contextlib.contextmanager
def _unfilled(image_id: uuid.UUID) -> Iterator[Image | None]:
    """Hold the upload of an image that a run fills, for the block; None: it has its data.

    An upload whose process died is over. Raises UploadInProgress (409), ImageNotFound (404).
    """
    with locks.upload(image_id) as held:
        if not held:
            raise exceptions.UploadInProgress(id=image_id)
        image = selectors.get(image_id=image_id)
        if image.status == states.ACTIVE and image.filled_by is None:
            yield None
            return
        if image.status == states.SAVING:
            _give_up(image.id, image.upload_id)
            image.refresh_from_db()
        yield image


def admit(
    *, image: Image, expected: int | None, copies: int = 1, run_id: uuid.UUID | None = None, staged: bool = True
) -> int:
    """Return how many bytes fit for an upload of ``expected`` (None: as many as there is room for).

    They fit in the project's quota, on the disk and under the cap.

    ``copies`` is how often the bytes will be on the store's disk: twice where a front takes them in first; ``staged``
    False: never, a pool has them. ``run_id`` is the run that uploads, None for a request of the API.

    Raises what ``upload`` raises before it reads.
    """
    if image.filled_by != run_id:
        raise exceptions.FilledByTheCloud(id=image.id)
    if not image.disk_format or not image.container_format:
        raise exceptions.BadImageData(reason="disk_format and container_format must be set before the data is uploaded")
    if expected is not None and expected > settings.IMAGE_SIZE_CAP:
        raise exceptions.TooManyBytes(cap=settings.IMAGE_SIZE_CAP)
    room = charges.check_size(image.project_id, expected or 0, copies=copies, staged=staged)
    if image.status not in (states.QUEUED, states.SAVING):  # active uploads hold the lock
        raise exceptions.WrongStatus(id=image.id, status=image.status, action="upload")
    return room


def _upload(image: Image, source: inspection.Readable, expected: int | None, charge: charges.Charge) -> Image:
    upload_id = uuid.uuid4()
    begun = Image.objects.filter(id=image.id, status=states.QUEUED, deleted_at=None)
    if not begun.update(status=states.SAVING, upload_id=upload_id, updated_at=timezone.now()):
        image.refresh_from_db()
        raise exceptions.WrongStatus(id=image.id, status=image.status, action="upload")
    blobs.prepare()
    staged, brought = blob_selectors.staging() / f"{image.id}.{upload_id}", ""
    try:
        charge.cover(expected or 0)
        inspected = _stage(staged, source, expected, image, charge)
        brought = blobs.bring(staged=staged, sha512=inspected.sha512, image_id=image.id)
        with transaction.atomic():
            _activate(image, upload_id, inspected)
            blobs.adopt(staged=staged, sha512=inspected.sha512, image_id=image.id, brought=brought)
    except BaseException:
        staged.unlink(missing_ok=True)
        if brought:
            pool.discard(brought)
        _give_up(image.id, upload_id)
        charge.release()
        raise
    log.info("image active", image_id=str(image.id), bytes=inspected.size)
    return selectors.get(image_id=image.id)


def _stage(
    staged: Path, source: inspection.Readable, expected: int | None, image: Image, charge: charges.Charge
) -> inspection.Inspection:
    """Write the stream to a file only we can read, and return the result of its inspection."""
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        try:
            inspector = inspection.copy(
                source, charge.writer(file.write), cap=settings.IMAGE_SIZE_CAP, chunk_size=CHUNK
            )
        except OverflowError:
            raise exceptions.TooManyBytes(cap=settings.IMAGE_SIZE_CAP) from None
        file.flush()
        os.fsync(file.fileno())
    if expected is not None and inspector.size != expected:
        raise exceptions.UploadCutOff(got=inspector.size, expected=expected)
    try:
        sealed = attributes.KEPT in image.properties
        inspected = inspector.finish(str(image.disk_format), str(staged), sealed=sealed)
    except inspection.Refused as error:
        raise exceptions.BadImageData(reason=error) from None
    if inspected.virtual_size > settings.IMAGE_VIRTUAL_SIZE_CAP:
        cap = settings.IMAGE_VIRTUAL_SIZE_CAP
        raise exceptions.BadImageData(reason=f"virtual size of {inspected.virtual_size} bytes is over the cap of {cap}")
    return inspected


def _activate(image: Image, upload_id: uuid.UUID, inspected: inspection.Inspection) -> None:
    _mark_active(
        image,
        upload_id,
        size=inspected.size,
        virtual_size=inspected.virtual_size,
        checksum=inspected.md5,
        os_hash_algo="sha512",
        os_hash_value=inspected.sha512,
    )


def _mark_active(image: Image, upload_id: uuid.UUID, **facts: Any) -> None:
    mine = Image.objects.filter(id=image.id, status=states.SAVING, upload_id=upload_id, deleted_at=None)
    over = {"status": states.ACTIVE, "upload_id": None, "filled_by": None, "charged": 0}
    done = mine.update(**over, **facts, updated_at=timezone.now())
    if not done:
        raise exceptions.ImageGone(id=image.id)


def _give_up(image_id: uuid.UUID, upload_id: uuid.UUID | None) -> int:
    mine = Image.objects.filter(id=image_id, status=states.SAVING, upload_id=upload_id, deleted_at=None)
    return mine.update(status=states.QUEUED, upload_id=None, updated_at=timezone.now())


def store(*, image_id: uuid.UUID, path: Path) -> Image:
    """Take in a file that the cloud itself made (a snapshot). The same checks as an upload; the file stays."""
    with path.open("rb") as source, locks.upload(image_id) as held:
        if not held:
            raise exceptions.UploadInProgress(id=image_id)
        image = selectors.get(image_id=image_id)
        return _upload(image, source, path.stat().st_size, charges.Charge(image, limited=False))


def may_be_clone(*, image_id: uuid.UUID, run_id: uuid.UUID, spec: str) -> bool:
    """Return whether a run's image may be a clone of a snapshot in the cluster: it keeps no other images there, and the
    cap, the project's quota and the pool have room for all of its bytes. Else its data is read, which may be less.

    Raises StoreUnavailable (503).
    """
    image, size = selectors.get(image_id=image_id), pool.bytes_of(spec)
    if size is None or not pool.is_shallow(spec.partition("@")[0]):
        return False
    try:
        admit(image=image, expected=size, run_id=run_id, staged=False)
    except (exceptions.TooManyBytes, exceptions.QuotaExceeded, exceptions.NoRoom):
        return False
    return True


def fill_with_clone(*, image_id: uuid.UUID, run_id: uuid.UUID, spec: str) -> None:
    """Make the data that a run has made for its image a clone of a snapshot in the cluster. Nobody reads it: it has no
    hash. Repeated, it is success.

    Raises what ``upload`` raises, and StoreUnavailable (503).
    """
    with _unfilled(image_id) as image:
        if image is None:
            return
        size = pool.bytes_of(spec)
        if size is None:
            raise exceptions.StoreUnavailable
        admit(image=image, expected=size, run_id=run_id, staged=False)
        _clone(image, spec, size, charges.Charge(image, staged=False))


def _clone(image: Image, spec: str, size: int, charge: charges.Charge) -> None:
    upload_id, brought, content = uuid.uuid4(), "", attributes.unhashed(image.id)
    begun = Image.objects.filter(id=image.id, filled_by=image.filled_by, deleted_at=None)
    if not begun.update(status=states.SAVING, upload_id=upload_id, updated_at=timezone.now()):
        raise exceptions.ImageGone(id=image.id)
    try:
        charge.cover(size)
        brought = pool.bring_clone(spec, image.id)
        with transaction.atomic():
            facts = {"size": size, "virtual_size": size, "disk_format": "raw"}
            _mark_active(image, upload_id, **facts, checksum=None, os_hash_algo=None, os_hash_value=content)
            locks.blob(content)
            if pool.size_of(content) is None:
                pool.settle(brought, content)
            else:  # of an attempt that was cut off here
                pool.discard(brought)
    except BaseException:
        if brought:
            pool.discard(brought)
        _give_up(image.id, upload_id)
        charge.release()
        raise
    log.info("image active", image_id=str(image.id), bytes=size, clone_of=spec)


def expire_stale() -> int:
    """Queue images again whose upload died with its process, and remove the staged files. For the sweeper.

    No timeout is involved: a live upload holds its lock. Returns how many images were queued again.
    """
    expired = 0
    for image in Image.objects.filter(status=states.SAVING, deleted_at=None).only("id", "upload_id"):
        with locks.upload(image.id) as dead:
            if dead:
                expired += _give_up(image.id, image.upload_id)
    for entry in _staged_files():
        with contextlib.suppress(ValueError), locks.upload(uuid.UUID(entry.name.partition(".")[0])) as dead:
            if dead:
                entry.unlink(missing_ok=True)
    for image in Image.objects.filter(charged__gt=0).only("id"):
        with locks.upload(image.id) as dead:
            if dead:
                charges.release(image)
    if expired:
        log.warning("dead uploads given up", count=expired)
    return expired


def _staged_files() -> list[Path]:
    directory = blob_selectors.staging()
    return list(directory.iterdir()) if directory.is_dir() else []


def read(*, context: RequestContext, image: Image) -> BinaryIO | None:
    """Return an image's opened data; None when it has none, or none yet.

    Raises Deactivated (403), BlobNotFound (404).
    """
    if image.status == states.DEACTIVATED and not context.is_admin:
        raise exceptions.Deactivated
    if image.status not in (states.ACTIVE, states.DEACTIVATED) or not image.size:
        return None
    return blob_selectors.opened(str(image.os_hash_value))[0]
