"""Networks on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import Text
from apps.networking import states
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer

ALIASES = {
    "router:external": "external",
    "provider:network_type": "network_type",
    "provider:physical_network": "physical_network",
    "provider:segmentation_id": "segmentation_id",
}


class _Values(ResourceSerializer):
    aliases = ALIASES

    admin_state_up = serializers.BooleanField(required=False)
    shared = serializers.BooleanField(required=False)
    external = serializers.BooleanField(required=False)
    is_default = serializers.BooleanField(required=False)
    mtu = serializers.IntegerField(required=False, min_value=576, max_value=9216)
    port_security_enabled = serializers.BooleanField(required=False)


class NetworkUpdate(_Values):
    """Changes of a network."""


class NetworkCreate(_Values, OwnedSerializer):
    """A new network. ``provider:*`` may only repeat the actual values."""

    network_type = serializers.ChoiceField([states.NETWORK_TYPE], required=False, allow_null=True)
    physical_network = Text(required=False, allow_null=True)
    segmentation_id = serializers.IntegerField(required=False, allow_null=True)
    availability_zone_hints = serializers.ListField(child=Text(max_length=255), required=False, max_length=8)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {key: attrs.pop(key) for key in ("network_type", "physical_network", "segmentation_id") if key in attrs}
        for key in ("physical_network", "segmentation_id"):
            if given.get(key) is not None:
                raise serializers.ValidationError({f"provider:{key}": ["networks of this cloud have none"]})
        if given.get("network_type"):
            attrs["provider"] = True
        return attrs
