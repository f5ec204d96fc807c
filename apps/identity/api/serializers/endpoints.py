"""Endpoints on the wire."""

from rest_framework import serializers

from apps.identity.api.serializers.base import BooleanField, ExtraSerializer, IdField, TextField
from apps.identity.states import Interface


class EndpointSerializer(ExtraSerializer):
    service_id = IdField(required=True)
    interface = serializers.ChoiceField(choices=[i.value for i in Interface])
    url = TextField(max_length=2048)
    region_id = TextField(required=False, allow_null=True)
    region = TextField(required=False, allow_null=True)
    name = TextField(required=False, allow_blank=True)
    enabled = BooleanField(required=False)

    ignored = (*ExtraSerializer.ignored, "legacy_endpoint_id")

    def validate_url(self, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise serializers.ValidationError("it must be an http or https URL")
        return value


class EndpointUpdateSerializer(EndpointSerializer):
    service_id = IdField()
    interface = serializers.ChoiceField(choices=[i.value for i in Interface], required=False)
    url = TextField(max_length=2048, required=False)
