"""Networks on the wire."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.common.api.serializers import Text, UUIDString
from apps.networking import states
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer
from apps.networking.api.serializers.names import DnsDomainField

ALIASES = {
    "router:external": "external",
    "provider:network_type": "network_type",
    "provider:physical_network": "physical_network",
    "provider:segmentation_id": "segmentation_id",
}
LARGEST_TAG = 4094


class _Values(ResourceSerializer):
    aliases = ALIASES

    admin_state_up = serializers.BooleanField(required=False)
    shared = serializers.BooleanField(required=False)
    external = serializers.BooleanField(required=False)
    is_default = serializers.BooleanField(required=False)
    mtu = serializers.IntegerField(required=False, min_value=576, max_value=9216)
    port_security_enabled = serializers.BooleanField(required=False)
    dns_domain = DnsDomainField()
    qos_policy_id = UUIDString(required=False, allow_null=True)


class NetworkUpdate(_Values):
    """Changes of a network."""


def _wrong(name: str, text: str) -> serializers.ValidationError:
    return serializers.ValidationError({f"provider:{name}": [text]})


class NetworkCreate(_Values, OwnedSerializer):
    """A new network. ``provider:*`` choose how it is realised, as far as this cloud's network driver can."""

    network_type = Text(required=False, allow_null=True, max_length=16)
    physical_network = Text(required=False, allow_null=True, max_length=64)
    segmentation_id = serializers.IntegerField(required=False, allow_null=True)
    availability_zone_hints = serializers.ListField(child=Text(max_length=255), required=False, max_length=8)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for key in ("network_type", "physical_network", "segmentation_id"):
            if attrs.get(key, ...) is None:
                del attrs[key]
        types = states.NETWORK_TYPES
        kind = attrs.get("network_type", types[0])
        if kind not in types:
            raise _wrong("network_type", f"'{kind}' is not among the types of this cloud: {', '.join(types)}")
        if kind in (states.FLAT, states.VLAN):
            self._check_physical(kind, attrs)
        else:
            for key in ("physical_network", "segmentation_id"):
                if key in attrs:
                    raise _wrong(key, f"{kind} networks of this cloud have none")
        return attrs

    def _check_physical(self, kind: str, attrs: dict[str, Any]) -> None:
        name, tag = attrs.get("physical_network"), attrs.get("segmentation_id")
        if name is None:
            raise _wrong("physical_network", f"it is required for a {kind} network")
        if name not in settings.PHYSICAL_NETWORKS:
            raise _wrong("physical_network", f"physical_network '{name}' unknown for {kind} provider network")
        if kind == states.FLAT and tag is not None:
            raise _wrong("segmentation_id", "segmentation_id prohibited for flat provider network")
        if kind == states.VLAN and (tag is None or not 1 <= tag <= LARGEST_TAG):
            raise _wrong("segmentation_id", f"a vlan network needs a tag from 1 to {LARGEST_TAG}")
