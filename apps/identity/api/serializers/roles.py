"""Roles on the wire."""

from typing import Any

from apps.common.api.serializers import NameField
from apps.identity.api.documents import link
from apps.identity.api.serializers.base import IMMUTABLE, DescriptionField, ExtraSerializer, IdField, OptionsField
from apps.identity.models import Role


class RoleSerializer(ExtraSerializer):
    name = NameField()
    domain_id = IdField(allow_null=True)
    description = DescriptionField()
    options = OptionsField(names=IMMUTABLE)


class RoleUpdateSerializer(RoleSerializer):
    name = NameField(required=False)


def document(role: Role) -> dict[str, Any]:
    return {
        **role.extra,
        "id": role.pk,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description or None,
        "options": role.options,
    }


def brief(request: Any, role: Role) -> dict[str, Any]:
    """Return a role as implications show it."""
    return {"id": role.pk, "name": role.name, "links": {"self": link(request, "roles", role.pk)}}
