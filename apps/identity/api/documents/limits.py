"""Limits as documents."""

from typing import Any

from apps.identity.models import Limit, RegisteredLimit


def render_registered(row: RegisteredLimit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "service_id": row.service_id,
        "region_id": row.region_id,
        "resource_name": row.resource_name,
        "default_limit": row.default_limit,
        "description": row.description or None,
    }


def render(row: Limit) -> dict[str, Any]:
    registered = row.registered_limit
    return {
        "id": row.pk,
        "project_id": row.project_id,
        "domain_id": row.domain_id,
        "service_id": registered.service_id,
        "region_id": registered.region_id,
        "resource_name": registered.resource_name,
        "resource_limit": row.resource_limit,
        "description": row.description or None,
    }
