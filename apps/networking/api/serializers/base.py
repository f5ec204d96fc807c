"""Common parts of the network service's documents."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import Pattern, StrictSerializer, Text


class TextField(Text):
    """Text of at most 255 characters without NUL, or none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_length": 255, "allow_blank": True, "trim_whitespace": False, "required": False, **kwargs}
        )


class ProjectField(Pattern):
    """The id of a project."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[0-9A-Za-z-]{1,64}\Z", **{"required": False, **kwargs})


class ResourceSerializer(StrictSerializer):
    """``aliases`` maps names on the wire that are no Python names to the serializer's own."""

    aliases: dict[str, str] = {}

    name = TextField()
    description = TextField()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            hidden = set(self.aliases.values())
            data = {self.aliases.get(key, f"{key} " if key in hidden else key): value for key, value in data.items()}
        return super().to_internal_value(data)


class OwnedSerializer(ResourceSerializer):
    """A new resource may name its owner."""

    project_id = ProjectField()
    tenant_id = ProjectField()


class TagsDocument(StrictSerializer):
    """All tags of a resource."""

    tags = serializers.ListField(child=Text(max_length=255), max_length=50)
