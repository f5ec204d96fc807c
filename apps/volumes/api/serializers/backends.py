"""Requests about volume services."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text


class ServiceName(StrictSerializer):
    """``service`` is the older name of ``binary``."""

    host = Text(max_length=255)
    binary = Text(max_length=255, required=False)
    service = Text(max_length=255, required=False)
    disabled_reason = Text(max_length=255, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["binary"] = attrs.get("binary") or attrs.pop("service", None)
        if not attrs["binary"]:
            raise serializers.ValidationError("the body must name a binary")
        return attrs


class ServiceReason(ServiceName):
    disabled_reason = Text(min_length=1, max_length=255)
