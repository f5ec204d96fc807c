"""Subnet pools on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer
from apps.networking.services.subnetpools import MAX_PREFIXES

LARGEST = 2**31 - 1


class _Length(serializers.IntegerField):
    """The length of a prefix; the service checks it against the pool's IP version."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "min_value": 0, "max_value": 1000, **kwargs})


class _Prefixes(serializers.ListField):
    """Ranges of addresses."""

    child = Text(max_length=64)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 4 * MAX_PREFIXES, **kwargs})


class _Values(ResourceSerializer):
    default_quota = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=LARGEST)
    min_prefixlen = _Length()
    max_prefixlen = _Length()
    default_prefixlen = _Length()
    is_default = serializers.BooleanField(required=False)
    address_scope_id = UUIDString(required=False, allow_null=True)


class SubnetPoolUpdate(_Values):
    """Changes of a subnet pool."""

    prefixes = _Prefixes(required=False)


class SubnetPoolCreate(_Values, OwnedSerializer):
    """A new subnet pool; its IP version is that of its prefixes."""

    prefixes = _Prefixes()
    shared = serializers.BooleanField(required=False)


class Prefixes(StrictSerializer):
    """Prefixes to add to a pool's, or to take away."""

    prefixes = _Prefixes()


class NetworkOfSubnets(StrictSerializer):
    """The network whose subnets a pool is to take in."""

    network_id = UUIDString()
