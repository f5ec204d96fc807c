"""Routers on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer
from apps.networking.api.serializers.ports import MAX_FIXED_IPS, FixedIP
from apps.networking.api.serializers.subnets import Route
from apps.networking.services.extra_routes import MAX_ROUTES


class Gateway(StrictSerializer):
    """The gateway of a router: an external network, whether it hides the router's networks, and its own addresses."""

    network_id = UUIDString(required=False, allow_null=True)
    enable_snat = serializers.BooleanField(required=False)
    qos_policy_id = UUIDString(required=False, allow_null=True)
    external_fixed_ips = FixedIP(many=True, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs and not attrs.get("network_id"):
            raise serializers.ValidationError({"network_id": ["it is required"]})
        attrs["external_fixed_ips"] = [dict(entry) for entry in attrs.get("external_fixed_ips") or []]
        if len(attrs["external_fixed_ips"]) > MAX_FIXED_IPS:
            raise serializers.ValidationError({"external_fixed_ips": [f"at most {MAX_FIXED_IPS} are allowed"]})
        if not attrs["external_fixed_ips"]:
            del attrs["external_fixed_ips"]
        return attrs


def _routes(attrs: dict[str, Any]) -> None:
    """Make a request's routes plain dictionaries."""
    routes = attrs["routes"] or []
    if len(routes) > 2 * MAX_ROUTES:
        raise serializers.ValidationError({"routes": [f"at most {MAX_ROUTES} are allowed"]})
    attrs["routes"] = [dict(route) for route in routes]


class RouterValues(ResourceSerializer):
    """What a new router and a changed one have in common. All routers are central, and watched by several hosts."""

    admin_state_up = serializers.BooleanField(required=False)
    external_gateway_info = Gateway(required=False, allow_null=True)
    external_gateways = serializers.ListField(required=False)
    distributed = serializers.BooleanField(required=False, allow_null=True)
    ha = serializers.BooleanField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "external_gateways" in attrs:
            text = "a router of this cloud has one gateway, not several: use external_gateway_info"
            raise serializers.ValidationError({"external_gateways": [text]})
        for key in ("distributed", "ha"):
            if attrs.pop(key, None):
                raise serializers.ValidationError({key: ["this cloud's routers have no such mode: it must be false"]})
        if "routes" in attrs:
            _routes(attrs)
        return attrs


class RouterUpdate(RouterValues):
    """Changes of a router."""

    routes = Route(many=True, required=False, allow_null=True)


class RouterCreate(RouterValues, OwnedSerializer):
    """A new router."""

    availability_zone_hints = serializers.ListField(child=Text(max_length=255), required=False, max_length=8)


class InterfaceDocument(StrictSerializer):
    """A subnet or a port that a router is to be put on, or taken off."""

    subnet_id = UUIDString(required=False)
    port_id = UUIDString(required=False)
    ignored = ("id", "tenant_id", "project_id")


class ExtraRoutes(StrictSerializer):
    """Routes to add to a router's, or to take away."""

    routes = Route(many=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _routes(attrs)
        return attrs
