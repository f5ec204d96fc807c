"""Address scopes on the wire."""

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer
from apps.networking.api.serializers.base import ProjectField, TextField


class AddressScopeUpdate(StrictSerializer):
    """Changes of an address scope."""

    name = TextField()
    shared = serializers.BooleanField(required=False)


class AddressScopeCreate(AddressScopeUpdate):
    """A new address scope."""

    ip_version = serializers.ChoiceField([4, 6])
    project_id = ProjectField()
    tenant_id = ProjectField()
