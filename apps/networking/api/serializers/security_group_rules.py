"""Security group rules on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking import states
from apps.networking.api.serializers.base import ProjectField, TextField


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": 32, "nullable": True}, {"type": "integer"}]})
class ProtocolField(serializers.CharField):
    """A protocol's name or number; clients send numbers as numbers too, as Neutron takes them."""


class SecurityGroupRuleCreate(StrictSerializer):
    """A new rule; services check how its values fit together."""

    security_group_id = UUIDString()
    direction = serializers.ChoiceField(states.DIRECTIONS)
    ethertype = Text(required=False, allow_null=True, max_length=16)
    protocol = ProtocolField(required=False, allow_null=True, allow_blank=True, max_length=32)
    port_range_min = serializers.IntegerField(required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1)
    port_range_max = serializers.IntegerField(required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1)
    remote_ip_prefix = Text(required=False, allow_null=True, max_length=64)
    remote_group_id = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    remote_address_group_id = UUIDString(required=False, allow_null=True)
    description = TextField(allow_null=True)
    project_id = ProjectField()
    tenant_id = ProjectField()

    def validate_ethertype(self, text: str | None) -> str | None:
        for known in states.ETHERTYPES:
            if text is None or text.lower() == known.lower():
                return text and known
        raise serializers.ValidationError(f"'{text}' is not one of {', '.join(states.ETHERTYPES)}")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["description"] = attrs.get("description") or ""
        return attrs
