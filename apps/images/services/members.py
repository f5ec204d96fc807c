"""Writing members: sharing an image with other projects. Callers have checked policy."""

from django.db import IntegrityError, transaction

from apps.images import exceptions, states
from apps.images.models import Image, Member

MAX_MEMBERS = 128


def add(*, image: Image, member_id: str) -> Member:
    """Share an image with a project; it is pending until the project accepts. Raises MemberExists (409)."""
    if image.visibility != states.SHARED:
        raise exceptions.MemberLimitation
    if Member.objects.filter(image=image).count() >= MAX_MEMBERS:
        raise exceptions.LimitExceeded(
            f"The limit has been exceeded on the number of allowed image members for this image. Maximum: {MAX_MEMBERS}"
        )
    try:
        with transaction.atomic():
            return Member.objects.create(image=image, member_id=member_id)
    except IntegrityError:
        raise exceptions.MemberExists(member=member_id[:64], id=image.id) from None


def set_status(*, member: Member, status: str) -> Member:
    """Accept or reject an image: the member itself does that, not the owner."""
    member.status = status
    member.save(update_fields=["status", "updated_at"])
    return member


def remove(*, member: Member) -> None:
    """Stop sharing an image with a project."""
    member.delete()
