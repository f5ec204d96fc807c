"""Application credentials and access rules on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity import access_rules
from apps.identity.api.documents import zoneless_time_text
from apps.identity.api.serializers.base import BooleanField, DescriptionField, ExtraSerializer, TextField, TimeField
from apps.identity.models import AccessRule, ApplicationCredential

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


def rule_document(rule: AccessRule) -> dict[str, Any]:
    return {"id": rule.pk, "service": rule.service, "method": rule.method, "path": rule.path}


def document(credential: ApplicationCredential, secret: str | None = None) -> dict[str, Any]:
    """Return a credential; ``secret`` only where it was made a moment ago."""
    roles = [{"id": role.pk, "name": role.name, "domain_id": role.domain_id} for role in credential.roles.all()]
    rules = [rule_document(rule) for rule in credential.access_rules.all()]
    return {
        "id": credential.pk,
        "name": credential.name,
        "description": credential.description or None,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": None,
        "expires_at": zoneless_time_text(credential.expires_at),
        "unrestricted": credential.unrestricted,
        "roles": roles,
        **({"access_rules": rules} if rules else {}),
        **({"secret": secret} if secret is not None else {}),
    }
