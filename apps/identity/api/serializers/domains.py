"""Domains on the wire."""

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import (
    IMMUTABLE,
    BooleanField,
    DescriptionField,
    ExtraSerializer,
    OptionsField,
    TagsField,
)


class DomainSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    description = DescriptionField()
    enabled = BooleanField(required=False)
    tags = TagsField(required=False)
    options = OptionsField(names=IMMUTABLE)


class DomainUpdateSerializer(DomainSerializer):
    name = NameField(max_length=64, required=False)
