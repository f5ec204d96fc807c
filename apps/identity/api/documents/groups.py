"""Groups as documents."""

from typing import Any

from apps.identity.models import Group


def render(group: Group) -> dict[str, Any]:
    return {
        **group.extra,
        "id": group.pk,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
    }
