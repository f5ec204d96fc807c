"""Writing images. Callers have checked policy (``api/permissions.py``)."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import Forbidden
from apps.images import attributes, exceptions, locks, states
from apps.images.models import Image
from apps.images.selectors import images as selectors
from apps.images.services import blobs, charges
from apps.images.services.uploads import admit, fill, read, store, upload
from apps.images.services.uploads import expire_stale as expire_stale_uploads
from apps.images.services.uploads import fill_with_clone as fill_with_clone
from apps.images.services.uploads import may_be_clone as may_be_clone

__all__ = [
    "admit",
    "create",
    "create_for_project",
    "create_to_fill",
    "create_without_data",
    "deactivate",
    "delete",
    "discard",
    "discard_unfilled",
    "expire_stale_uploads",
    "fill",
    "hide_older",
    "reactivate",
    "read",
    "store",
    "update",
    "upload",
]

MAX_PROPERTIES = 128
MAX_TAGS = 128


def create(*, context: RequestContext, values: Mapping[str, Any], properties: Mapping[str, str]) -> Image:
    """Create a queued image, shared (with no members yet) by default.

    Raises Forbidden (403) for another project, ImageExists (409) for an id that was ever used, LimitExceeded and
    QuotaExceeded (413).
    """
    project_id = str(values.get("project_id") or context.project_id or "")
    if project_id != context.project_id and not context.is_admin:
        raise Forbidden(f"You are not permitted to create images owned by '{project_id[:64]}'.")
    with transaction.atomic():
        charges.check_count(project_id)
        return create_for_project(project_id=project_id, values=values, properties=properties)


def create_for_project(*, project_id: str, values: Mapping[str, Any], properties: Mapping[str, str]) -> Image:
    """Make a queued image for the cloud's own work (a loaded image)."""
    attributes.check_formats(values.get("disk_format"), values.get("container_format"))
    check_counts(tags=values.get("tags", []), properties=properties)
    columns = {key: value for key, value in values.items() if key != "project_id"}
    try:
        with transaction.atomic():
            return Image.objects.create(project_id=project_id, properties=dict(properties), **columns)
    except IntegrityError:
        raise exceptions.ImageExists(id=values.get("id")) from None


def note_progress(*, run_id: uuid.UUID, percent: int) -> bool:
    """Note how much of an image its run has copied, or has sent. Returns whether the run is still to fill it."""
    return bool(selectors.unfilled(run_id=run_id).update(progress=percent))


def create_to_fill(
    *, project_id: str, run_id: uuid.UUID, values: Mapping[str, Any], properties: Mapping[str, str]
) -> Image:
    """Make a queued image whose data a run brings: a server's snapshot. The caller writes both in one transaction.

    Raises QuotaExceeded (413) for one image too many and for a project that has no bytes left, NoRoom (507).
    """
    charges.check_size(project_id, 1)
    charges.check_count(project_id)
    return create_for_project(project_id=project_id, values={**values, "filled_by": run_id}, properties=properties)


def create_without_data(*, project_id: str, values: Mapping[str, Any], properties: Mapping[str, str]) -> Image:
    """Make an active image that has no data: its properties name the snapshots that servers boot from.

    Raises QuotaExceeded (413) for one image too many.
    """
    charges.check_count(project_id)
    nothing = {
        "status": states.ACTIVE, "size": 0, "checksum": hashlib.md5(usedforsecurity=False).hexdigest(),
        "os_hash_algo": "sha512", "os_hash_value": hashlib.sha512().hexdigest(),
    }  # fmt: skip
    return create_for_project(project_id=project_id, values={**values, **nothing}, properties=properties)


def check_counts(*, tags: Any, properties: Mapping[str, str]) -> None:
    """Raise LimitExceeded (413) for more tags or properties than an image may have."""
    if len(properties) > MAX_PROPERTIES:
        raise exceptions.LimitExceeded(
            f"The limit has been exceeded on the number of allowed image properties. "
            f"Attempted: {len(properties)}, Maximum: {MAX_PROPERTIES}"
        )
    if len(tags) > MAX_TAGS:
        raise exceptions.LimitExceeded(
            "The limit has been exceeded on the number of allowed image tags. "
            f"Attempted: {len(tags)}, Maximum: {MAX_TAGS}"
        )


def update(*, context: RequestContext, image: Image, changes: Any) -> Image:
    """Apply ``changes`` (a function that edits the locked row in place) and save it. Raises what it raises."""
    with transaction.atomic():
        image = _locked(image)
        owner, before = image.project_id, dict(image.properties)
        changes(image)
        if not context.is_admin:
            attributes.check_kept(before, image.properties)
        if image.project_id != owner and not context.is_admin:
            raise Forbidden("You are not permitted to modify 'owner' on this image.")
        attributes.check_formats(image.disk_format, image.container_format)
        check_counts(tags=image.tags, properties=image.properties)
        image.updated_at = timezone.now()
        image.save()
    return image


def _locked(image: Image) -> Image:
    locked = locks.image(image.id)
    if locked is None:
        raise exceptions.ImageNotFound(id=image.id)
    return locked


def delete(*, image: Image) -> None:
    """Delete an image, also one that servers run from or that is being uploaded. Raises Protected (403)."""
    with transaction.atomic():
        image = _locked(image)
        if image.protected:
            raise exceptions.Protected(id=image.id)
        now = timezone.now()
        Image.objects.filter(id=image.id).update(
            status=states.DELETED, upload_id=None, filled_by=None, deleted_at=now, updated_at=now
        )
        sha512 = image.os_hash_value
        if sha512:
            transaction.on_commit(lambda: blobs.drop_unused(sha512=sha512))


def deactivate(*, image: Image) -> None:
    """Forbid the use of an image's data. Raises Forbidden (403) for an image that has none."""
    _turn(image, "deactivate", states.DEACTIVATED)


def reactivate(*, image: Image) -> None:
    """Allow the use of an image's data again. Raises Forbidden (403) for an image that has none."""
    _turn(image, "reactivate", states.ACTIVE)


def _turn(image: Image, verb: str, status: str) -> None:
    with transaction.atomic():
        image = _locked(image)
        if image.status not in (states.ACTIVE, states.DEACTIVATED):
            raise Forbidden(f"Not allowed to {verb} image in status '{image.status}'.")
        Image.objects.filter(id=image.id).update(status=status, updated_at=timezone.now())


def hide_older(*, image: Image) -> int:
    """Hide a project's other images of the same name from lists, so that the name means the newest."""
    others = selectors.live().filter(project_id=image.project_id, name=image.name, os_hidden=False).exclude(id=image.id)
    return others.update(os_hidden=True, updated_at=timezone.now())


def discard(*, image_id: uuid.UUID) -> None:
    """Delete an image for the cloud's own work (a snapshot that failed), protected or not. Absent is success."""
    image = selectors.live().filter(id=image_id).first()
    if image is None:
        return
    now = timezone.now()
    selectors.live().filter(id=image_id).update(status=states.DELETED, upload_id=None, deleted_at=now, updated_at=now)
    if image.os_hash_value:
        blobs.drop_unused(sha512=image.os_hash_value)


def discard_unfilled(*, run_id: uuid.UUID) -> int:
    """Delete the image that a run was to fill and did not. Returns how many went; none is success.

    An upload that is still under way finds its image deleted, and ends with nothing.
    """
    now = timezone.now()
    rows = selectors.live().filter(filled_by=run_id)
    return rows.update(status=states.DELETED, upload_id=None, filled_by=None, deleted_at=now, updated_at=now)
