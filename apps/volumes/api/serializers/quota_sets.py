"""Requests of quota sets: names of resources to limits."""

from typing import Any

from rest_framework import serializers

from apps.volumes.api.serializers.fields import BIG

IGNORED = ("tenant_id", "id", "skip_validation", "class_name", "force")


class Limits(serializers.Serializer[Any]):
    """Whole numbers from -1 (unlimited). Names of types' resources are free, so that the service knows them."""

    def to_internal_value(self, data: Any) -> dict[str, int]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("it must be an object")
        return {name: self._number(name, value) for name, value in data.items() if name not in IGNORED}

    def _number(self, name: str, value: Any) -> int:
        text = str(value)
        if isinstance(value, bool | float) or not text.lstrip("-").isdigit() or len(text) > 11:
            raise serializers.ValidationError({name[:64]: [f"'{text[:64]}' is not an integer"]})
        if not -1 <= int(text) <= BIG:
            raise serializers.ValidationError({name[:64]: [f"{text} must be -1 to {BIG}"]})
        return int(text)
