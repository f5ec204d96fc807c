"""Services of the catalog on the wire."""

from typing import Any

from apps.identity.api.serializers.base import BooleanField, DescriptionField, ExtraSerializer, TextField
from apps.identity.models import Service


class ServiceSerializer(ExtraSerializer):
    type = TextField()
    name = TextField(required=False, allow_blank=True)
    description = DescriptionField()
    enabled = BooleanField(required=False)


class ServiceUpdateSerializer(ServiceSerializer):
    type = TextField(required=False)


def document(service: Service) -> dict[str, Any]:
    return {
        **service.extra,
        "id": service.pk,
        "type": service.type,
        "name": service.name,
        "description": service.description,
        "enabled": service.enabled,
    }
