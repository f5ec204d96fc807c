"""Requests and documents of host aggregates, by microversion."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.serializers import Pattern, StrictSerializer, TrimmedName
from apps.compute.api.serializers.server_metadata import Items

ZONE = "availability_zone"


class ZoneName(TrimmedName):
    """Null: none. A colon would begin the name of a host."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str) and ":" in data:
            raise serializers.ValidationError("it must not have a colon")
        return super().to_internal_value(data)


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "maxLength": 255, "nullable": True}})
class NullableItems(Items):
    """A value that is null removes its key."""

    nullable = True


class AggregateCreate(StrictSerializer):
    name = TrimmedName()
    availability_zone = ZoneName(required=False, allow_null=True)


class AggregateUpdate(StrictSerializer):
    name = TrimmedName(required=False)
    availability_zone = ZoneName(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("It must have a name or an availability_zone.")
        return attrs


class AggregateHost(StrictSerializer):
    """The body of add_host and remove_host."""

    host = Pattern(r"\A[a-zA-Z0-9-._]*\Z", min_length=1, max_length=255)


class CachedImage(StrictSerializer):
    id = serializers.UUIDField()


class AggregateImages(StrictSerializer):
    """The body of os-aggregates/{id}/images."""

    cache = serializers.ListField(child=CachedImage(), allow_empty=False, max_length=64)

    def validate_cache(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({item["id"] for item in value}) < len(value):
            raise serializers.ValidationError("Duplicate images in request")
        return value


class AggregateMetadata(StrictSerializer):
    """The body of set_metadata."""

    metadata = NullableItems()

    def validate_metadata(self, value: dict[str, str | None]) -> dict[str, str | None]:
        """A zone has the same names by whichever way it comes; null is the service's to refuse or to allow."""
        if value.get(ZONE) is not None:
            try:
                ZoneName().run_validation(value[ZONE])
            except serializers.ValidationError as error:
                raise serializers.ValidationError({ZONE: error.detail}) from None
        return value
