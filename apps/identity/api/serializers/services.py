"""Services of the catalog on the wire."""

from apps.identity.api.serializers.base import BooleanField, DescriptionField, ExtraSerializer, TextField


class ServiceSerializer(ExtraSerializer):
    type = TextField()
    name = TextField(required=False, allow_blank=True)
    description = DescriptionField()
    enabled = BooleanField(required=False)


class ServiceUpdateSerializer(ServiceSerializer):
    type = TextField(required=False)
