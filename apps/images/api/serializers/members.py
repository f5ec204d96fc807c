"""Members on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import Pattern
from apps.images import states
from apps.images.api.serializers.images import moment
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


class MemberCreate(serializers.Serializer[Any]):
    """``member`` is the id of a project."""

    member = Pattern(r"^[0-9A-Za-z-]{1,64}\Z")


class MemberUpdate(serializers.Serializer[Any]):
    """The member's answer."""

    status = serializers.ChoiceField(states.MEMBER_STATUSES)
