"""Roles on the wire."""

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import IMMUTABLE, DescriptionField, ExtraSerializer, IdField, OptionsField


class RoleSerializer(ExtraSerializer):
    name = NameField()
    domain_id = IdField(allow_null=True)
    description = DescriptionField()
    options = OptionsField(names=IMMUTABLE)


class RoleUpdateSerializer(RoleSerializer):
    name = NameField(required=False)
