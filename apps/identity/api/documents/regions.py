"""Regions as documents."""

from typing import Any

from apps.identity.models import Region


def render(region: Region) -> dict[str, Any]:
    return {
        **region.extra,
        "id": region.pk,
        "parent_region_id": region.parent_id,
        "description": region.description,
    }
