"""Members on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import Pattern
from apps.images import states


class MemberCreate(serializers.Serializer[Any]):
    """``member`` is the id of a project."""

    member = Pattern(r"^[0-9A-Za-z-]{1,64}\Z")


class MemberUpdate(serializers.Serializer[Any]):
    """The member's answer."""

    status = serializers.ChoiceField(states.MEMBER_STATUSES)
