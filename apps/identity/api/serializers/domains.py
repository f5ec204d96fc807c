"""Domains on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import (
    IMMUTABLE,
    BooleanField,
    DescriptionField,
    ExtraSerializer,
    OptionsField,
    TagField,
)
from apps.identity.models import Domain
from apps.identity.states import MAX_TAGS


class DomainSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    description = DescriptionField()
    enabled = BooleanField(required=False)
    tags = serializers.ListField(child=TagField(), max_length=MAX_TAGS, required=False)
    options = OptionsField(names=IMMUTABLE)


class DomainUpdateSerializer(DomainSerializer):
    name = NameField(max_length=64, required=False)


def document(domain: Domain) -> dict[str, Any]:
    return {
        **domain.extra,
        "id": domain.pk,
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": domain.tags,
        "options": domain.options,
    }
