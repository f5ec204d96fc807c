"""Trusts on the wire."""

from rest_framework import serializers

from apps.identity.api.serializers.application_credentials import RoleName
from apps.identity.api.serializers.base import BooleanField, ExtraSerializer, IdField, TimeField


class TrustSerializer(ExtraSerializer):
    trustor_user_id = IdField(required=True)
    trustee_user_id = IdField(required=True)
    project_id = IdField(required=True)
    impersonation = BooleanField()
    roles = serializers.ListField(child=RoleName(), max_length=64, required=False)
    expires_at = TimeField(required=False, allow_null=True)
    remaining_uses = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    allow_redelegation = BooleanField(required=False)
