"""Users as documents."""

from typing import Any

from apps.identity.api.documents.base import zoneless_time_text
from apps.identity.models import User


def render(user: User) -> dict[str, Any]:
    document: dict[str, Any] = {
        **user.extra,
        "id": user.pk,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": zoneless_time_text(user.password_expires_at),
        "options": user.options,
    }
    for name in ("email", "description", "default_project_id"):
        if getattr(user, name):
            document[name] = getattr(user, name)
    return document
