"""Members as documents."""

from typing import Any

from apps.images.api.documents.images import moment
from apps.images.models import Member


def render(member: Member) -> dict[str, Any]:
    """Return the document of a member."""
    return {
        "image_id": str(member.image_id),
        "member_id": member.member_id,
        "status": member.status,
        "created_at": moment(member.created_at),
        "updated_at": moment(member.updated_at),
        "schema": "/v2/schemas/member",
    }
