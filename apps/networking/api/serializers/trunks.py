"""Trunks on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer

MOST = 512  # subports of one request


class SubPort(StrictSerializer):
    """A port with its tag on the parent port."""

    port_id = UUIDString()
    segmentation_type = Text(max_length=16, required=False, allow_null=True)
    segmentation_id = serializers.IntegerField(required=False, allow_null=True)


class PortOfTrunk(StrictSerializer):
    """A subport to be taken off; clients name the tag too."""

    ignored = ("segmentation_type", "segmentation_id")

    port_id = UUIDString()


class AddSubPorts(StrictSerializer):
    """Ports to be put on a trunk."""

    sub_ports = serializers.ListField(child=SubPort(), max_length=MOST)


class RemoveSubPorts(StrictSerializer):
    """Ports to be taken off a trunk."""

    sub_ports = serializers.ListField(child=PortOfTrunk(), max_length=MOST)


class TrunkUpdate(ResourceSerializer):
    """Changes of a trunk."""

    admin_state_up = serializers.BooleanField(required=False)


class TrunkCreate(TrunkUpdate, OwnedSerializer):
    """A new trunk."""

    port_id = UUIDString()
    sub_ports = serializers.ListField(child=SubPort(), max_length=MOST, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["sub_ports"] = [dict(item) for item in attrs.get("sub_ports", [])]
        return attrs
