"""Interfaces to attach to servers."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import AddressField, Pattern, StrictSerializer, since
from apps.networking.values import OF_THE_PORT, RequestedNetwork


class FixedIpOfInterface(StrictSerializer):
    """An address that the new port is to have."""

    ip_address = AddressField()


class InterfaceAttachment(StrictSerializer):
    """A port, or a network with perhaps an address; neither is the project's only network."""

    port_id = serializers.UUIDField(required=False)
    net_id = serializers.UUIDField(required=False)
    fixed_ips = serializers.ListField(child=FixedIpOfInterface(), required=False, min_length=1, max_length=1)
    tag = since("2.49", Pattern(r"^[^,/]+$", required=False, max_length=60))

    def validate(self, attrs: Any) -> Any:
        addresses = attrs.get("fixed_ips") or []
        if attrs.get("net_id") and attrs.get("port_id"):
            raise serializers.ValidationError("Must not input both network_id and port_id")
        if addresses and not attrs.get("net_id"):
            raise serializers.ValidationError("Must input network_id when request IP address")
        requested = RequestedNetwork(
            network_id=attrs.get("net_id") or OF_THE_PORT,
            port_id=attrs.get("port_id"),
            fixed_ip=addresses[0]["ip_address"] if addresses else None,
            tag=attrs.get("tag"),
        )
        return {"requested": requested}
