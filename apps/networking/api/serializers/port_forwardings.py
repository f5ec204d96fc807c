"""Port forwardings on the wire."""

import re
from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import AddressField, StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import ProjectField, TextField

HIGHEST = 65535
ENDS = ("external", "internal")
_RANGE = re.compile(r"([0-9]{1,5})(?::([0-9]{1,5}))?\Z")


class PortRangeField(Text):
    """A range of ports, "80:89", or one port, "80"; the value is (first, last)."""

    def to_internal_value(self, data: Any) -> Any:
        text: str = super().to_internal_value(data)
        match = _RANGE.match(text)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= low <= high <= HIGHEST:
            raise serializers.ValidationError(f"'{text[:64]}' is not a range of ports from 1 to {HIGHEST}")
        return low, high


class PortForwardingUpdate(StrictSerializer):
    """Changes of a port forwarding. Each end is one port or a range."""

    external_port = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False, allow_null=True)
    external_port_range = PortRangeField(required=False, allow_null=True)
    internal_port = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False, allow_null=True)
    internal_port_range = PortRangeField(required=False, allow_null=True)
    internal_ip_address = AddressField(version=4, required=False)
    internal_port_id = UUIDString(required=False)
    protocol = serializers.ChoiceField(["tcp", "udp"], required=False)
    description = TextField()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("protocol"), str):
            data = {**data, "protocol": data["protocol"].lower()}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for end in ENDS:
            number, ports = attrs.pop(f"{end}_port", None), attrs.pop(f"{end}_port_range", None)
            if number is not None and ports not in (None, (number, number)):
                raise serializers.ValidationError({f"{end}_port_range": [f"it contradicts {end}_port"]})
            if number is not None or ports is not None:
                attrs[end] = ports or (number, number)
        return attrs


class PortForwardingCreate(PortForwardingUpdate):
    """A new port forwarding. Without ``internal_ip_address`` it leads to the port's first IPv4 address."""

    project_id = ProjectField()
    internal_port_id = UUIDString()
    protocol = serializers.ChoiceField(["tcp", "udp"])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        for end in ENDS:
            if end not in attrs:
                raise serializers.ValidationError({f"{end}_port": ["it is required"]})
        return attrs
