"""Domains as documents."""

from typing import Any

from apps.identity.models import Domain


def render(domain: Domain) -> dict[str, Any]:
    return {
        **domain.extra,
        "id": domain.pk,
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": domain.tags,
        "options": domain.options,
    }
