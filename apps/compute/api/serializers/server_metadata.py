"""A server's metadata as clients send it."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer

_KEY = re.compile(r"\A[a-zA-Z0-9-_:. ]{1,255}\Z")


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}})
class Items(serializers.Field[Any, Any, Any, Any]):
    """Texts to texts of at most 255 characters."""

    nullable = False

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("it must be an object")
        for key, value in data.items():
            if not _KEY.match(key):
                raise serializers.ValidationError(
                    f"'{key[:64]}' is not a valid key: 1 to 255 letters, digits, spaces and - _ : ."
                )
            if value is None and self.nullable:
                continue
            if not isinstance(value, str) or len(value) > 255 or "\0" in value:
                raise serializers.ValidationError(f"the value of '{key[:64]}' must be a text of at most 255 characters")
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return value


class Metadata(StrictSerializer):
    metadata = Items()


class MetadataItem(StrictSerializer):
    meta = Items()

    def validate_meta(self, value: dict[str, str]) -> dict[str, str]:
        if len(value) != 1:
            raise serializers.ValidationError("Request body contains too many items" if value else "it is empty")
        return value
