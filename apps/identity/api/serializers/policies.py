"""Policy documents on the wire."""

from typing import Any

from apps.identity.api.serializers.base import ExtraSerializer, TextField
from apps.identity.api.serializers.credentials import BlobField
from apps.identity.models import Policy


class PolicySerializer(ExtraSerializer):
    type = TextField()
    blob = BlobField(max_length=64 * 1024)


class PolicyUpdateSerializer(PolicySerializer):
    type = TextField(required=False)
    blob = BlobField(max_length=64 * 1024, required=False)


def document(policy: Policy) -> dict[str, Any]:
    return {**policy.extra, "id": policy.pk, "type": policy.type, "blob": policy.blob}
