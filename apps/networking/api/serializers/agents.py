"""Network agents on the wire."""

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer
from apps.networking.api.serializers.base import TextField


class AgentUpdate(StrictSerializer):
    """Changes of an agent."""

    admin_state_up = serializers.BooleanField(required=False)
    description = TextField()
