"""Roles as documents."""

from typing import Any

from apps.identity.api.documents.base import link
from apps.identity.models import Role


def render(role: Role) -> dict[str, Any]:
    return {
        **role.extra,
        "id": role.pk,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description or None,
        "options": role.options,
    }


def render_brief(request: Any, role: Role) -> dict[str, Any]:
    """Return a role as implications show it."""
    return {"id": role.pk, "name": role.name, "links": {"self": link(request, "roles", role.pk)}}
