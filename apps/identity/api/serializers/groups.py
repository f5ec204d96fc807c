"""Groups on the wire."""

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import DescriptionField, ExtraSerializer, IdField


class GroupSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    domain_id = IdField()
    description = DescriptionField()


class GroupUpdateSerializer(GroupSerializer):
    name = NameField(max_length=64, required=False)
