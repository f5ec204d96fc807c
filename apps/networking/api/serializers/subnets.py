"""Subnets on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer, TextField

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


class SubnetCreate(SubnetUpdate, OwnedSerializer):
    """A new subnet. Ranges from subnet pools are not offered: ``subnetpool_id`` may only be null."""

    network_id = UUIDString()
    ip_version = serializers.ChoiceField([4, 6])
    cidr = Text(max_length=64)
    ipv6_address_mode = serializers.ChoiceField(IPV6_MODES, required=False, allow_null=True)
    ipv6_ra_mode = serializers.ChoiceField(IPV6_MODES, required=False, allow_null=True)
    subnetpool_id = Text(required=False, allow_null=True)
    segment_id = Text(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for key in ("subnetpool_id", "segment_id"):
            if attrs.pop(key, None) is not None:
                raise serializers.ValidationError({key: ["it is not offered by this cloud"]})
        if attrs["ip_version"] == 4 and (attrs.get("ipv6_ra_mode") or attrs.get("ipv6_address_mode")):
            raise serializers.ValidationError({"ipv6_address_mode": ["it is for subnets of ip_version 6"]})
        return attrs
