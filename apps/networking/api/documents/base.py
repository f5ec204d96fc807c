"""Common parts of the network service's documents."""

import uuid
from typing import Any

from apps.common.api.documents import seconds
from apps.networking.models.base import Resource


def optional_id(value: uuid.UUID | None) -> str | None:
    """Return an id as text, if there is one."""
    return str(value) if value is not None else None


def standard(row: Resource) -> dict[str, Any]:
    """Return the common fields of every resource."""
    return {
        "id": str(row.id),
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "description": row.description,
        "tags": row.tags,
        "created_at": seconds(row.created_at),
        "updated_at": seconds(row.updated_at),
        "revision_number": row.revision_number,
    }
