"""Subnets on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer, TextField
from apps.networking.services.subnet_ranges import PREFIX_DELEGATION

IPV6_MODES = ("slaac", "dhcpv6-stateful", "dhcpv6-stateless")


class Pool(StrictSerializer):
    """A range of addresses, both ends included."""

    start = Text(max_length=64)
    end = Text(max_length=64)


class Route(StrictSerializer):
    """A route that DHCP hands out."""

    destination = Text(max_length=64)
    nexthop = Text(max_length=64)


class SubnetUpdate(ResourceSerializer):
    """Changes of a subnet."""

    gateway_ip = Text(required=False, allow_null=True, allow_blank=True, max_length=64)
    enable_dhcp = serializers.BooleanField(required=False)
    allocation_pools = Pool(many=True, required=False)
    dns_nameservers = serializers.ListField(child=Text(max_length=64), required=False, allow_null=True, max_length=64)
    host_routes = Route(many=True, required=False, allow_null=True)
    service_types = serializers.ListField(child=TextField(), required=False, max_length=8)


class _PoolField(UUIDString):
    """The id of a subnet pool, or Neutron's word for prefix delegation."""

    def to_internal_value(self, data: Any) -> Any:
        return data if data == PREFIX_DELEGATION else super().to_internal_value(data)


class SubnetCreate(SubnetUpdate, OwnedSerializer):
    """A new subnet: with the range that it names (``cidr``), or with one of a subnet pool."""

    network_id = UUIDString()
    ip_version = serializers.ChoiceField([4, 6], required=False)
    cidr = Text(required=False, allow_null=True, max_length=64)
    subnetpool_id = _PoolField(required=False, allow_null=True)
    use_default_subnetpool = serializers.BooleanField(required=False)
    prefixlen = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=128)
    ipv6_address_mode = serializers.ChoiceField(IPV6_MODES, required=False, allow_null=True)
    ipv6_ra_mode = serializers.ChoiceField(IPV6_MODES, required=False, allow_null=True)
    segment_id = Text(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.pop("segment_id", None) is not None:
            raise serializers.ValidationError({"segment_id": ["networks of this cloud have one segment each"]})
        if attrs.get("ip_version") == 4 and (attrs.get("ipv6_ra_mode") or attrs.get("ipv6_address_mode")):
            raise serializers.ValidationError({"ipv6_address_mode": ["it is for subnets of ip_version 6"]})
        return attrs
