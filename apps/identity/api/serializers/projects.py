"""Projects on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import (
    IMMUTABLE,
    BooleanField,
    DescriptionField,
    ExtraSerializer,
    IdField,
    OptionsField,
    TagsField,
)


class ProjectSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    domain_id = IdField(allow_null=True)
    parent_id = IdField(allow_null=True)
    is_domain = BooleanField(required=False)
    description = DescriptionField()
    enabled = BooleanField(required=False)
    tags = TagsField(required=False)
    options = OptionsField(names=IMMUTABLE)


class ProjectUpdateSerializer(ProjectSerializer):
    name = NameField(max_length=64, required=False)


class TagsSerializer(serializers.Serializer[Any]):
    tags = TagsField()
