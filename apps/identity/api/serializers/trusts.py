"""Trusts on the wire."""

from typing import Any

from rest_framework import serializers

from apps.identity.api.documents import link, time_text
from apps.identity.api.serializers.application_credentials import RoleName
from apps.identity.api.serializers.base import BooleanField, ExtraSerializer, IdField, TimeField
from apps.identity.api.serializers.roles import brief
from apps.identity.models import Trust


class TrustSerializer(ExtraSerializer):
    trustor_user_id = IdField(required=True)
    trustee_user_id = IdField(required=True)
    project_id = IdField(required=True)
    impersonation = BooleanField()
    roles = serializers.ListField(child=RoleName(), max_length=64, required=False)
    expires_at = TimeField(required=False, allow_null=True)
    remaining_uses = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    allow_redelegation = BooleanField(required=False)


def document(request: Any, trust: Trust) -> dict[str, Any]:
    roles = link(request, "OS-TRUST", "trusts", trust.pk, "roles")
    return {
        "id": trust.pk,
        "trustor_user_id": trust.trustor_id,
        "trustee_user_id": trust.trustee_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        "expires_at": time_text(trust.expires_at),
        "remaining_uses": trust.remaining_uses,
        "deleted_at": None,
        "redelegation_count": 0,
        "redelegated_trust_id": None,
        "roles": [brief(request, role) for role in trust.roles.all()],
        "roles_links": {"self": roles, "next": None, "previous": None},
        "links": {"self": link(request, "OS-TRUST", "trusts", trust.pk)},
    }
