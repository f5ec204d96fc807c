"""Security groups on the wire."""

from rest_framework import serializers

from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer


class SecurityGroupUpdate(ResourceSerializer):
    """Changes of a group."""

    stateful = serializers.BooleanField(required=False)


class SecurityGroupCreate(SecurityGroupUpdate, OwnedSerializer):
    """A new group."""
