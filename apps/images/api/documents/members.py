"""Members as documents."""

from typing import Any

from apps.common.api.documents import seconds
from apps.images.models import Member


def render(member: Member) -> dict[str, Any]:
    """Return the document of a member."""
    return {
        "image_id": str(member.image_id),
        "member_id": member.member_id,
        "status": member.status,
        "created_at": seconds(member.created_at),
        "updated_at": seconds(member.updated_at),
        "schema": "/v2/schemas/member",
    }
