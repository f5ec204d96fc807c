"""Users on the wire: passwords go in and never come out."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import (
    BooleanField,
    DescriptionField,
    ExtraSerializer,
    IdField,
    OptionsField,
    TextField,
)

# Keystone's resource options of users.
OPTIONS = (
    "ignore_change_password_upon_first_use",
    "ignore_password_expiry",
    "ignore_lockout_failure_attempts",
    "ignore_user_inactivity",
    "lock_password",
    "multi_factor_auth_enabled",
    "multi_factor_auth_rules",
)


class UserSerializer(ExtraSerializer):
    name = NameField()
    domain_id = IdField()
    # Its length is refused by who hashes it, in bytes.
    password = TextField(max_length=None, allow_null=True, required=False)
    email = TextField(required=False, allow_blank=True, allow_null=True)
    description = DescriptionField()
    enabled = BooleanField(required=False)
    default_project_id = IdField(allow_null=True)
    options = OptionsField(names=OPTIONS)

    # Columns that requests cannot set.
    ignored = (*ExtraSerializer.ignored, "password_expires_at", "is_superuser", "is_staff")

    def validate_email(self, value: str | None) -> str:
        return value or ""


class UserUpdateSerializer(UserSerializer):
    name = NameField(required=False)


class PasswordSerializer(serializers.Serializer[Any]):
    password = TextField(max_length=None)
    original_password = TextField(max_length=None)
