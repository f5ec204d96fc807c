"""Reading members of shared images."""

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.images import exceptions
from apps.images.models import Image, Member


def visible(*, context: RequestContext, image: Image) -> QuerySet[Member]:
    """All members for the image's owner; a member sees itself only."""
    rows = Member.objects.filter(image=image).order_by("created_at", "id")
    if context.is_admin or context.project_id == image.project_id:
        return rows
    return rows.filter(member_id=context.project_id or "-")


def get(*, context: RequestContext, image: Image, member_id: str) -> Member:
    """Return a member that the caller may see. Raises MemberNotFound (404)."""
    member = visible(context=context, image=image).filter(member_id=member_id).first()
    if member is None:
        raise exceptions.MemberNotFound(member=member_id[:64], id=image.id)
    return member
