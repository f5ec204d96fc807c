"""Registered limits and limits on the wire."""

from typing import Any

from rest_framework import serializers

from apps.identity.api.serializers.base import DescriptionField, IdField, TextField
from apps.identity.models import Limit, RegisteredLimit

LIMIT = {"min_value": -1, "max_value": 2**31 - 1}


class RegisteredLimitSerializer(serializers.Serializer[Any]):
    service_id = IdField(required=True)
    region_id = TextField(required=False, allow_null=True)
    resource_name = TextField()
    default_limit = serializers.IntegerField(**LIMIT)
    description = DescriptionField()


class RegisteredLimitUpdateSerializer(RegisteredLimitSerializer):
    service_id = IdField()
    resource_name = TextField(required=False)
    default_limit = serializers.IntegerField(**LIMIT, required=False)


class LimitSerializer(serializers.Serializer[Any]):
    project_id = IdField(allow_null=True)
    domain_id = IdField(allow_null=True)
    service_id = IdField(required=True)
    region_id = TextField(required=False, allow_null=True)
    resource_name = TextField()
    resource_limit = serializers.IntegerField(**LIMIT)
    description = DescriptionField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("project_id")) == bool(attrs.get("domain_id")):
            raise serializers.ValidationError("a limit is of a project or of a domain")
        return attrs


class LimitUpdateSerializer(serializers.Serializer[Any]):
    resource_limit = serializers.IntegerField(**LIMIT, required=False)
    description = DescriptionField()


def registered_document(row: RegisteredLimit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "service_id": row.service_id,
        "region_id": row.region_id,
        "resource_name": row.resource_name,
        "default_limit": row.default_limit,
        "description": row.description or None,
    }


def document(row: Limit) -> dict[str, Any]:
    registered = row.registered_limit
    return {
        "id": row.pk,
        "project_id": row.project_id,
        "domain_id": row.domain_id,
        "service_id": registered.service_id,
        "region_id": registered.region_id,
        "resource_name": registered.resource_name,
        "resource_limit": row.resource_limit,
        "description": row.description or None,
    }
