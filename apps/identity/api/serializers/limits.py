"""Registered limits and limits on the wire."""

from typing import Any

from rest_framework import serializers

from apps.identity.api.serializers.base import DescriptionField, IdField, TextField


class LimitField(serializers.IntegerField):
    """A number of resources; -1: no limit."""

    def __init__(self, *, required: bool = True) -> None:
        super().__init__(min_value=-1, max_value=2**31 - 1, required=required)


class RegisteredLimitSerializer(serializers.Serializer[Any]):
    service_id = IdField(required=True)
    region_id = TextField(required=False, allow_null=True)
    resource_name = TextField()
    default_limit = LimitField()
    description = DescriptionField()


class RegisteredLimitUpdateSerializer(RegisteredLimitSerializer):
    service_id = IdField()
    resource_name = TextField(required=False)
    default_limit = LimitField(required=False)


class LimitSerializer(serializers.Serializer[Any]):
    project_id = IdField(allow_null=True)
    domain_id = IdField(allow_null=True)
    service_id = IdField(required=True)
    region_id = TextField(required=False, allow_null=True)
    resource_name = TextField()
    resource_limit = LimitField()
    description = DescriptionField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("project_id")) == bool(attrs.get("domain_id")):
            raise serializers.ValidationError("a limit is of a project or of a domain")
        return attrs


class LimitUpdateSerializer(serializers.Serializer[Any]):
    resource_limit = LimitField(required=False)
    description = DescriptionField()
