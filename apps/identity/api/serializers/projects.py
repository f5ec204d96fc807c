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
from apps.identity.models import Project


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


def document(project: Project) -> dict[str, Any]:
    """Return the project; a domain shows as a project without a domain, as in Keystone."""
    return {
        **project.extra,
        "id": project.pk,
        "name": project.name,
        "domain_id": project.domain_id,
        "parent_id": project.parent_id,
        "is_domain": project.is_domain,
        "description": project.description,
        "enabled": project.enabled,
        "tags": project.tags,
        "options": project.options,
    }
