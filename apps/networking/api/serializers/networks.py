"""Networks on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common import policy
from apps.common.api.serializers import Text
from apps.common.context import RequestContext
from apps.networking import states
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer, standard
from apps.networking.models import Network

ALIASES = {
    "router:external": "external",
    "provider:network_type": "network_type",
    "provider:physical_network": "physical_network",
    "provider:segmentation_id": "segmentation_id",
}


def render(network: Network, context: RequestContext) -> dict[str, Any]:
    """Return the document of a network; what its provider decides is for administrators."""
    document = {
        **standard(network),
        "name": network.name,
        "admin_state_up": network.admin_state_up,
        "status": network.status,
        "shared": network.shared,
        "router:external": network.external,
        "is_default": network.is_default,
        "mtu": network.mtu,
        "subnets": [str(subnet.id) for subnet in network.subnets.all()],
        "availability_zones": [],
        "availability_zone_hints": network.availability_zone_hints,
        "port_security_enabled": network.port_security_enabled,
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
    }
    if policy.allowed(context, "get_network:provider", {"project_id": network.project_id}):
        document["provider:network_type"] = states.NETWORK_TYPE
        document["provider:physical_network"] = None
        document["provider:segmentation_id"] = None
    return document


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
    """A new network. ``provider:*`` may only say what is so anyway."""

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
