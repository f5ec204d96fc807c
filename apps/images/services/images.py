"""Writing images."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import policy
from apps.common.context import RequestContext
from apps.common.exceptions import Forbidden
from apps.images import exceptions, locks, states
from apps.images.models import Image
from apps.images.selectors import images as selectors
from apps.images.services import blobs, charges
from apps.images.services.uploads import admit, read, store, upload
from apps.images.services.uploads import expire_stale as expire_stale_uploads

__all__ = [
    "admit",
    "create",
    "create_for_project",
    "deactivate",
    "delete",
    "discard",
    "expire_stale_uploads",
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

    Raises PolicyForbidden (403), ImageExists (409) for an id that was ever used, LimitExceeded, QuotaExceeded (413).
    """
    project_id = str(values.get("project_id") or context.project_id or "")
    policy.check(context, "add_image", {"project_id": project_id})
    if project_id != context.project_id and not context.is_admin:
        raise Forbidden(f"You are not permitted to create images owned by '{project_id[:64]}'.")
    check_visibility(context, str(values.get("visibility", states.SHARED)), project_id)
    with transaction.atomic():
        charges.check_count(project_id)
        return create_for_project(project_id=project_id, values=values, properties=properties)


def create_for_project(*, project_id: str, values: Mapping[str, Any], properties: Mapping[str, str]) -> Image:
    """Make a queued image for the cloud's own work (a snapshot, a loaded image): no policy is asked."""
    check_counts(tags=values.get("tags", []), properties=properties)
    columns = {key: value for key, value in values.items() if key != "project_id"}
    try:
        with transaction.atomic():
            return Image.objects.create(project_id=project_id, properties=dict(properties), **columns)
    except IntegrityError:
        raise exceptions.ImageExists(id=values.get("id")) from None


def check_visibility(context: RequestContext, visibility: str, project_id: str) -> None:
    """Raise PolicyForbidden (403) unless the caller may show an image to others so widely."""
    target = {"project_id": project_id}
    if visibility == states.PUBLIC:
        policy.check(context, "publicize_image", target)
    if visibility == states.COMMUNITY:
        policy.check(context, "communitize_image", target)


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


def update(*, context: RequestContext, image_id: uuid.UUID, changes: Any) -> Image:
    """Apply ``changes`` (a function that edits the locked row in place) and save it. Raises what it raises."""
    with transaction.atomic():
        image = _locked(context, image_id, "modify_image")
        visibility, owner = image.visibility, image.project_id
        changes(image)
        if image.visibility != visibility:
            check_visibility(context, image.visibility, image.project_id)
        if image.project_id != owner and not context.is_admin:
            raise Forbidden("You are not permitted to modify 'owner' on this image.")
        check_counts(tags=image.tags, properties=image.properties)
        image.updated_at = timezone.now()
        image.save()
    return image


def _locked(context: RequestContext, image_id: uuid.UUID, rule: str) -> Image:
    seen = selectors.get_visible(context=context, image_id=image_id)
    policy.check(context, rule, {"project_id": seen.project_id})
    image = locks.image(image_id)
    if image is None:
        raise exceptions.ImageNotFound(id=image_id)
    return image


def delete(*, context: RequestContext, image_id: uuid.UUID) -> None:
    """Delete an image, also one that servers run from or that is being uploaded. Raises Protected (403)."""
    with transaction.atomic():
        image = _locked(context, image_id, "delete_image")
        if image.protected:
            raise exceptions.Protected(id=image_id)
        now = timezone.now()
        Image.objects.filter(id=image_id).update(status=states.DELETED, upload_id=None, deleted_at=now, updated_at=now)
        sha512 = image.os_hash_value
        if sha512:
            transaction.on_commit(lambda: blobs.drop_unused(sha512=sha512))


def deactivate(*, context: RequestContext, image_id: uuid.UUID) -> None:
    """Forbid the use of an image's data. Raises Forbidden (403) for an image that has none."""
    _turn(context, image_id, "deactivate", states.DEACTIVATED)


def reactivate(*, context: RequestContext, image_id: uuid.UUID) -> None:
    """Allow the use of an image's data again. Raises Forbidden (403) for an image that has none."""
    _turn(context, image_id, "reactivate", states.ACTIVE)


def _turn(context: RequestContext, image_id: uuid.UUID, rule: str, status: str) -> None:
    with transaction.atomic():
        image = _locked(context, image_id, rule)
        if image.status not in (states.ACTIVE, states.DEACTIVATED):
            raise Forbidden(f"Not allowed to {rule} image in status '{image.status}'.")
        Image.objects.filter(id=image_id).update(status=status, updated_at=timezone.now())


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
