"""Requests of volume types."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, NameField, StrictSerializer, Text
from apps.volumes.api.serializers.fields import Name

LONGEST = 255


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}})
class ExtraSpecs(serializers.Field[Any, Any, Any, Any]):
    """Keys of letters, digits, spaces and ``- _ : .`` to texts of at most 255 characters; null is "None"."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("it must be an object")
        specs = {}
        for key, value in data.items():
            if not 0 < len(key) <= LONGEST or not all(char.isalnum() or char in "-_:. " for char in key):
                raise serializers.ValidationError(
                    f"'{key[:64]}' is not a valid key: 1 to {LONGEST} letters, digits, spaces and - _ : ."
                )
            text = str(value) if isinstance(value, str | bool | int | float) else None
            if text is None or len(text) > LONGEST or "\0" in text:
                raise serializers.ValidationError(
                    f"the value of '{key[:64]}' must be a text of at most {LONGEST} characters"
                )
            specs[key] = text
        return specs

    def to_representation(self, value: Any) -> Any:
        return value


class VolumeTypeCreate(StrictSerializer):
    name = NameField()
    description = Name()
    extra_specs = ExtraSpecs(required=False, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["os-volume-type-access:is_public"] = LooseBoolean(source="is_public", required=False)
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["extra_specs"] = attrs.get("extra_specs") or {}
        if not attrs["name"].strip():
            raise serializers.ValidationError({"name": ["Volume type name can not be empty."]})
        return attrs


class VolumeTypeUpdate(StrictSerializer):
    name = NameField(required=False, allow_null=True)
    description = Name()
    is_public = LooseBoolean(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("name", ...) is None:
            del attrs["name"]
        if not attrs:
            raise serializers.ValidationError(
                "Specify volume type name, description, is_public or a combination thereof."
            )
        if "name" in attrs and not attrs["name"].strip():
            raise serializers.ValidationError({"name": ["Volume type name can not be empty."]})
        return attrs


class ExtraSpecsBody(StrictSerializer):
    extra_specs = ExtraSpecs()


class TypeAccess(StrictSerializer):
    """The argument of addProjectAccess and removeProjectAccess."""

    project = Text(min_length=1, max_length=255)


class EncryptionUpdate(StrictSerializer):
    provider = Text(min_length=1, max_length=255, required=False)
    control_location = serializers.ChoiceField(choices=["front-end", "back-end"], required=False)
    cipher = Text(max_length=255, required=False, allow_null=True)
    key_size = serializers.IntegerField(min_value=0, max_value=4096, required=False, allow_null=True)


class EncryptionCreate(EncryptionUpdate):
    provider = Text(min_length=1, max_length=255)
    control_location = serializers.ChoiceField(choices=["front-end", "back-end"], default="front-end")


class DefaultType(StrictSerializer):
    volume_type = Text(min_length=1, max_length=255)
