"""Services as documents."""

from typing import Any

from apps.identity.models import Service


def render(service: Service) -> dict[str, Any]:
    return {
        **service.extra,
        "id": service.pk,
        "type": service.type,
        "name": service.name,
        "description": service.description,
        "enabled": service.enabled,
    }
