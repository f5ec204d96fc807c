"""Domains on the wire."""

from typing import Any

from apps.common.api.serializers import NameField
from apps.identity.api.serializers.base import (
    IMMUTABLE,
    BooleanField,
    DescriptionField,
    ExtraSerializer,
    OptionsField,
    TagsField,
)
from apps.identity.models import Domain


class DomainSerializer(ExtraSerializer):
    name = NameField(max_length=64)
    description = DescriptionField()
    enabled = BooleanField(required=False)
    tags = TagsField(required=False)
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
