"""Endpoint groups on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField, StrictSerializer
from apps.identity.api.serializers.base import DescriptionField, IdField, TextField
from apps.identity.states import Interface


class FiltersSerializer(StrictSerializer):
    service_id = IdField()
    region_id = TextField(required=False)
    interface = serializers.ChoiceField(choices=[i.value for i in Interface], required=False)


class EndpointGroupSerializer(StrictSerializer):
    name = NameField()
    description = DescriptionField()
    filters = FiltersSerializer()

    ignored = ("id", "links")

    def validate_filters(self, value: dict[str, Any]) -> dict[str, Any]:
        if not value:
            raise serializers.ValidationError("it is required and cannot be empty")
        return dict(value)


class EndpointGroupUpdateSerializer(EndpointGroupSerializer):
    name = NameField(required=False)
    filters = FiltersSerializer(required=False)
