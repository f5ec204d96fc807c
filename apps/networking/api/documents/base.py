"""What all documents of the network service share."""

from datetime import UTC, datetime
from typing import Any

from apps.networking.models.base import Resource


def moment(value: datetime) -> str:
    """Write a time as Neutron does."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def standard(row: Resource) -> dict[str, Any]:
    """Return what every resource shows."""
    return {
        "id": str(row.id),
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "description": row.description,
        "tags": row.tags,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "revision_number": row.revision_number,
    }
