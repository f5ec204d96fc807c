"""Metadata of volumes and snapshots as clients send it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer

LONGEST = 255


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}})
class Items(serializers.Field[Any, Any, Any, Any]):
    """Keys of 1 to 255 characters to texts of at most 255."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("it must be an object")
        for key, value in data.items():
            if not key or len(key) > LONGEST or "\0" in key:
                raise serializers.ValidationError(f"the key '{key[:64]}' must have 1 to {LONGEST} characters")
            if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
                raise serializers.ValidationError(
                    f"the value of '{key[:64]}' must be a text of at most {LONGEST} characters"
                )
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


class ImageMetadata(StrictSerializer):
    """The argument of os-set_image_metadata."""

    metadata = Items()


class ImageMetadataKey(StrictSerializer):
    """The argument of os-unset_image_metadata."""

    key = serializers.CharField(max_length=LONGEST)


class Nothing(StrictSerializer):
    """An action without arguments."""
