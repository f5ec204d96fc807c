"""Requests of QoS specs: any keys beside the name and the consumer."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text
from apps.volumes.api.serializers.volume_types import ExtraSpecs
from apps.volumes.selectors.qos_specs import BOTH, CONSUMERS


class QosSpecUpdate(serializers.Serializer[Any]):
    """What is no name and no consumer is a spec: a key with a text."""

    named: tuple[str, ...] = ("consumer",)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            specs = ExtraSpecs().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"non_field_errors": error.detail}) from None
        values = {name: specs.pop(name, None) for name in self.named}
        consumer = values["consumer"]
        if consumer is not None and consumer not in CONSUMERS:
            raise serializers.ValidationError({"consumer": [f"it must be one of {', '.join(CONSUMERS)}"]})
        return {**values, "specs": specs}


class QosSpecCreate(QosSpecUpdate):
    named = ("name", "consumer")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        values["name"] = (values["name"] or "").strip()
        if not values["name"]:
            raise serializers.ValidationError({"name": ["it must not be empty"]})
        values["consumer"] = values["consumer"] or BOTH
        return values


class QosSpecKeys(StrictSerializer):
    keys = serializers.ListField(child=Text(max_length=255), max_length=64)
