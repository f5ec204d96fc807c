"""Security groups and their rules as Nova's proxy has them: incoming rules only, CIDR or source group."""

import ipaddress
from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import PrintableName, StrictSerializer, Text, UUIDString
from apps.compute.api.documents.security_groups import ANYWHERE

PROTOCOLS = ("tcp", "udp", "icmp")


class GroupOfNova(StrictSerializer):
    """A security group in the words of Nova's proxy."""

    name = PrintableName(trim_whitespace=False)
    description = Text(max_length=255, allow_blank=True, allow_null=True, required=False)

    def validate_name(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("it must not be only white space")
        return value


class GroupOfNovaUpdate(GroupOfNova):
    """The same as a change: both values are replaced."""


class WholeNumber(serializers.IntegerField):
    """A number, or the text of one, as old clients send it."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float):
            raise serializers.ValidationError("it must be a whole number")
        return int(super().to_internal_value(data))


class RuleCreate(StrictSerializer):
    """``cidr`` and ``group_id`` exclude each other; without either the rule is for everybody."""

    parent_group_id = UUIDString()
    ip_protocol = Text(required=False, allow_null=True, max_length=32)
    from_port = WholeNumber(required=False, allow_null=True, min_value=-1, max_value=65535)
    to_port = WholeNumber(required=False, allow_null=True, min_value=-1, max_value=65535)
    cidr = Text(required=False, allow_null=True, max_length=64)
    group_id = UUIDString(required=False, allow_null=True)

    def validate(self, attrs: Any) -> Any:
        protocol = (attrs.get("ip_protocol") or "").lower()
        low, high = attrs.get("from_port"), attrs.get("to_port")
        if not attrs.get("group_id") and (protocol not in PROTOCOLS or low is None or high is None):
            raise serializers.ValidationError(f"ip_protocol ({', '.join(PROTOCOLS)}), from_port and to_port are needed")
        if attrs.get("group_id") and attrs.get("cidr"):
            raise serializers.ValidationError("cidr and group_id exclude each other")
        if low is not None and high is not None and protocol != "icmp" and low > high:
            raise serializers.ValidationError("from_port must not be greater than to_port")
        return {**attrs, "ip_protocol": protocol or None}


def neutron_rule(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the network service's rule. -1 is "any" to Nova."""
    cidr = values.get("cidr")
    low, high = ((None if port == -1 else port) for port in (values.get("from_port"), values.get("to_port")))
    if cidr is None and not values.get("group_id"):
        cidr = ANYWHERE["IPv4"]
    return {
        "security_group_id": values["parent_group_id"],
        "direction": "ingress",
        "ethertype": "IPv6" if cidr and _version(cidr) == 6 else "IPv4",
        "protocol": values["ip_protocol"],
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": cidr,
        "remote_group_id": values.get("group_id"),
    }


def _version(cidr: str) -> int:
    """Return 4 for an invalid range: the service refuses it and gives the reason."""
    try:
        return ipaddress.ip_network(cidr, strict=False).version
    except ValueError:
        return 4
