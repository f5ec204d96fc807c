"""Groups on the wire."""

from typing import Any

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import DescriptionField, ExtraSerializer, IdField
from apps.identity.models import Group


class GroupSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    domain_id = IdField()
    description = DescriptionField()


class GroupUpdateSerializer(GroupSerializer):
    name = NameField(max_length=64, required=False)


def document(group: Group) -> dict[str, Any]:
    return {
        **group.extra,
        "id": group.pk,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
    }
