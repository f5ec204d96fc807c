"""Endpoint groups as documents."""

from typing import Any

from apps.identity.models import EndpointGroup


def render(group: EndpointGroup) -> dict[str, Any]:
    return {"id": group.pk, "name": group.name, "description": group.description or None, "filters": group.filters}
