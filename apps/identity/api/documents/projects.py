"""Projects as documents."""

from typing import Any

from apps.identity.models import Project


def render(project: Project) -> dict[str, Any]:
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
