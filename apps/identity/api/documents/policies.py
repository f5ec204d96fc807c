"""Policies as documents."""

from typing import Any

from apps.identity.models import Policy


def render(policy: Policy) -> dict[str, Any]:
    return {**policy.extra, "id": policy.pk, "type": policy.type, "blob": policy.blob}
