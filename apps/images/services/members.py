"""Writing members: sharing an image with other projects."""

import uuid

from django.db import IntegrityError, transaction

from apps.common import policy
from apps.common.context import RequestContext
from apps.images import exceptions, states
from apps.images.models import Image, Member
from apps.images.selectors import images as image_selectors
from apps.images.selectors import members as selectors

MAX_MEMBERS = 128


def add(*, context: RequestContext, image_id: uuid.UUID, member_id: str) -> Member:
    """Share an image with a project; it is pending until the project accepts. Raises MemberExists (409)."""
    image = _shared(context, image_id, "add_member")
    if Member.objects.filter(image=image).count() >= MAX_MEMBERS:
        raise exceptions.LimitExceeded(
            f"The limit has been exceeded on the number of allowed image members for this image. Maximum: {MAX_MEMBERS}"
        )
    try:
        with transaction.atomic():
            return Member.objects.create(image=image, member_id=member_id)
    except IntegrityError:
        raise exceptions.MemberExists(member=member_id[:64], id=image_id) from None


def _shared(context: RequestContext, image_id: uuid.UUID, rule: str) -> Image:
    image = image_selectors.get_visible(context=context, image_id=image_id)
    policy.check(context, rule, {"project_id": image.project_id})
    if image.visibility != states.SHARED:
        raise exceptions.MemberLimitation
    return image


def set_status(*, context: RequestContext, image_id: uuid.UUID, member_id: str, status: str) -> Member:
    """Accept or reject an image: the member itself does that, not the owner (403)."""
    image = image_selectors.get_visible(context=context, image_id=image_id)
    member = selectors.get(context=context, image=image, member_id=member_id)
    policy.check(context, "modify_member", {"project_id": image.project_id, "member_id": member_id})
    member.status = status
    member.save(update_fields=["status", "updated_at"])
    return member


def remove(*, context: RequestContext, image_id: uuid.UUID, member_id: str) -> None:
    """Stop sharing an image with a project. Raises MemberNotFound (404)."""
    image = image_selectors.get_visible(context=context, image_id=image_id)
    policy.check(context, "delete_member", {"project_id": image.project_id})
    selectors.get(context=context, image=image, member_id=member_id).delete()
