"""Application credentials and access rules on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity import access_rules
from apps.identity.api.serializers.base import BooleanField, DescriptionField, ExtraSerializer, TextField, TimeField

METHODS = ("POST", "PUT", "PATCH", "GET", "HEAD", "DELETE", "OPTIONS")


class RoleName(serializers.Serializer[Any]):
    id = TextField(required=False, max_length=64)
    name = TextField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("it must have an id or a name")
        return attrs


class AccessRuleSerializer(serializers.Serializer[Any]):
    id = TextField(required=False, max_length=64)
    path = TextField(required=False, max_length=128)
    method = serializers.ChoiceField(choices=METHODS, required=False)
    service = TextField(required=False, max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "id" not in attrs and not {"path", "method", "service"} <= set(attrs):
            raise serializers.ValidationError("it must have an id, or a path, a method and a service")
        if access_rules.wildcards(attrs.get("path", "")) > access_rules.MAX_WILDCARDS:
            raise serializers.ValidationError(f"its path has more than {access_rules.MAX_WILDCARDS} wildcards")
        return attrs


class ApplicationCredentialSerializer(ExtraSerializer):
    name = NameField()
    description = DescriptionField()
    secret = TextField(max_length=None, required=False, allow_null=True)  # its length is refused by who hashes it
    expires_at = TimeField(required=False, allow_null=True)
    roles = serializers.ListField(child=RoleName(), max_length=64, required=False)
    unrestricted = BooleanField(required=False)
    access_rules = serializers.ListField(child=AccessRuleSerializer(), max_length=100, required=False)
