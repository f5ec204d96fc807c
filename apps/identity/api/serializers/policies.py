"""Policy documents on the wire."""

from apps.identity.api.serializers.base import ExtraSerializer, TextField
from apps.identity.api.serializers.credentials import BlobField


class PolicySerializer(ExtraSerializer):
    type = TextField()
    blob = BlobField(max_length=64 * 1024)


class PolicyUpdateSerializer(PolicySerializer):
    type = TextField(required=False)
    blob = BlobField(max_length=64 * 1024, required=False)
