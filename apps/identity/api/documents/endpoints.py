"""Endpoints as documents."""

from typing import Any

from apps.identity.models import Endpoint


def render(endpoint: Endpoint) -> dict[str, Any]:
    return {
        **endpoint.extra,
        "id": endpoint.pk,
        **({"name": endpoint.name} if endpoint.name else {}),
        "service_id": endpoint.service_id,
        "interface": endpoint.interface,
        "url": endpoint.url,
        "region_id": endpoint.region_id,
        "region": endpoint.region_id,
        "enabled": endpoint.enabled,
    }
