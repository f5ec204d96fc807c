"""Metadata definitions on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text
from apps.images import states

# Read-only keys of documents: clients send them back in a PUT.
SHOWN = ("created_at", "updated_at", "self", "schema", "first", "next")


class Name(Text):
    """A name that a path can hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 80, "min_length": 1, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if "/" in text:
            raise serializers.ValidationError("it cannot contain a slash")
        return text


class AssociationCreate(StrictSerializer):
    """A kind of resource that a namespace is about."""

    ignored = SHOWN

    name = Name()
    prefix = Text(required=False, allow_null=True, allow_blank=True, max_length=80)
    properties_target = Text(required=False, allow_null=True, allow_blank=True, max_length=80)


class PropertyWrite(StrictSerializer):
    """A property: a JSON schema with a name. Glance's own keywords only."""

    ignored = SHOWN

    name = Name()
    title = Text(max_length=255)
    type = serializers.ChoiceField(["array", "boolean", "integer", "number", "object", "string", None], allow_null=True)
    description = Text(required=False, allow_null=True, allow_blank=True, max_length=4096)
    operators = serializers.ListField(child=Text(max_length=255), required=False, max_length=100)
    enum = serializers.ListField(child=serializers.JSONField(), required=False, max_length=1000)
    readonly = serializers.BooleanField(required=False)
    minimum = serializers.FloatField(required=False)
    maximum = serializers.FloatField(required=False)
    minLength = serializers.IntegerField(required=False, min_value=0, max_value=2**31)
    maxLength = serializers.IntegerField(required=False, min_value=0, max_value=2**31)
    pattern = Text(required=False, max_length=255)
    minItems = serializers.IntegerField(required=False, min_value=0, max_value=2**31)
    maxItems = serializers.IntegerField(required=False, min_value=0, max_value=2**31)
    uniqueItems = serializers.BooleanField(required=False)
    additionalItems = serializers.BooleanField(required=False)
    items = serializers.DictField(required=False)
    default = serializers.JSONField(required=False)
    confidential = serializers.BooleanField(required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        # DRF's own attribute of that name is in the way of a class attribute.
        fields["required"] = serializers.ListField(child=Text(max_length=80), required=False, max_length=1000)
        return fields


class ObjectWrite(StrictSerializer):
    """An object: a named group of properties."""

    ignored = SHOWN

    name = Name()
    description = Text(required=False, allow_null=True, allow_blank=True, max_length=4096)
    properties = serializers.DictField(child=serializers.DictField(), required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["required"] = serializers.ListField(child=Text(max_length=80), required=False, max_length=1000)
        return fields


class TagWrite(StrictSerializer):
    """A tag is its name."""

    ignored = SHOWN

    name = Name()


class TagsWrite(StrictSerializer):
    """All tags at once."""

    ignored = SHOWN

    tags = TagWrite(many=True)


class NamespaceUpdate(StrictSerializer):
    """A namespace's own values."""

    ignored = SHOWN

    namespace = Name()
    display_name = Text(required=False, allow_null=True, allow_blank=True, max_length=80)
    description = Text(required=False, allow_null=True, allow_blank=True, max_length=500)
    visibility = serializers.ChoiceField([states.PUBLIC, states.PRIVATE], required=False)
    protected = serializers.BooleanField(required=False)
    owner = Text(required=False, max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "owner" in attrs:
            attrs["project_id"] = attrs.pop("owner")
        return attrs


class NamespaceCreate(NamespaceUpdate):
    """A new namespace with its content."""

    properties = serializers.DictField(child=serializers.DictField(), required=False)
    objects = ObjectWrite(many=True, required=False)
    tags = TagWrite(many=True, required=False)
    resource_type_associations = AssociationCreate(many=True, required=False)


WRITES: dict[str, Any] = {"object": ObjectWrite, "property": PropertyWrite, "tag": TagWrite}
