"""Users on the wire: passwords go in and never come out."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity.api.documents import zoneless_time_text
from apps.identity.api.serializers.base import (
    BooleanField,
    DescriptionField,
    ExtraSerializer,
    IdField,
    OptionsField,
    TextField,
)
from apps.identity.models import User

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

    # What the row has and nobody sets from outside.
    ignored = (*ExtraSerializer.ignored, "password_expires_at", "is_superuser", "is_staff")

    def validate_email(self, value: str | None) -> str:
        return value or ""


class UserUpdateSerializer(UserSerializer):
    name = NameField(required=False)


class PasswordSerializer(serializers.Serializer[Any]):
    password = TextField(max_length=None)
    original_password = TextField(max_length=None)


def document(user: User) -> dict[str, Any]:
    document: dict[str, Any] = {
        **user.extra,
        "id": user.pk,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": zoneless_time_text(user.password_expires_at),
        "options": user.options,
    }
    for name in ("email", "description", "default_project_id"):
        if getattr(user, name):
            document[name] = getattr(user, name)
    return document
