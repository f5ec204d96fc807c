"""Bodies of identity v2.0."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import BooleanField, DescriptionField, ExtraSerializer, IdField, TextField


class PasswordCredentials(serializers.Serializer[Any]):
    username = TextField(required=False)
    userId = TextField(required=False)
    password = TextField(max_length=None, allow_blank=True, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "username" not in attrs and "userId" not in attrs:
            raise serializers.ValidationError("it must have a username or a userId")
        return attrs


class TokenCredentials(serializers.Serializer[Any]):
    id = TextField(max_length=8192)


class AuthSerializer(serializers.Serializer[Any]):
    passwordCredentials = PasswordCredentials(required=False)
    token = TokenCredentials(required=False)
    tenantName = TextField(required=False, allow_blank=True, allow_null=True)
    tenantId = TextField(required=False, allow_blank=True, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("passwordCredentials" in attrs) == ("token" in attrs):
            raise serializers.ValidationError("it must have passwordCredentials or a token")
        if attrs.get("tenantName") and attrs.get("tenantId"):
            raise serializers.ValidationError("tenantName and tenantId exclude each other")
        return attrs


class TenantSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    description = DescriptionField()
    enabled = BooleanField(required=False)


class TenantUpdateSerializer(TenantSerializer):
    name = NameField(max_length=64, required=False)


class UserSerializer(ExtraSerializer):
    name = NameField(required=False)
    username = NameField(required=False)
    email = TextField(required=False, allow_blank=True, allow_null=True)
    password = TextField(max_length=None, required=False, allow_null=True)
    enabled = BooleanField(required=False)
    tenantId = IdField(allow_null=True)

    ignored = (*ExtraSerializer.ignored, "is_superuser", "is_staff", "domain_id", "options")


class OwnPasswordSerializer(serializers.Serializer[Any]):
    password = TextField(max_length=None)
    original_password = TextField(max_length=None)


class RoleSerializer(ExtraSerializer):
    name = NameField()
    description = DescriptionField()


class EndpointSerializer(serializers.Serializer[Any]):
    region = TextField(required=False, allow_null=True)
    service_id = IdField(required=True)
    publicurl = TextField(max_length=2048)
    internalurl = TextField(max_length=2048, required=False, allow_null=True)
    adminurl = TextField(max_length=2048, required=False, allow_null=True)


def user_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return v3's names for v2.0's."""
    renamed = {key: value for key, value in values.items() if key not in ("username", "tenantId")}
    if "name" not in renamed and "username" in values:
        renamed["name"] = values["username"]
    if "tenantId" in values:
        renamed["default_project_id"] = values["tenantId"]
    if renamed.get("email", "") is None:
        renamed["email"] = ""
    return renamed
