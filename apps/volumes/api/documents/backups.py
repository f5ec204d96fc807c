"""Backups as documents, by microversion (cinder/api/views/backups.py)."""

from typing import Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.volumes.api.documents.base import Links
from apps.volumes.models import Backup

FIELDS = {
    "os-backup-project-attr:project_id": since("3.18"),
    "metadata": since("3.43"),
    "user_id": since("3.56"),
    "encryption_key_id": since("3.64"),
}

OF_ADMINS = ("os-backup-project-attr:project_id", "user_id")


def render_brief(backup: Backup, links: Links) -> dict[str, Any]:
    return {"id": str(backup.id), "name": backup.name, "links": links.of("backups", backup.id)}


def render(backup: Backup, links: Links, version: Version, *, admin: bool) -> dict[str, Any]:
    """Return the document of a backup, which has its key's ID and says whether others are based on it (``key_id``,
    ``has_children``).
    """
    key_id = getattr(backup, "key_id", None)
    document = {
        **render_brief(backup, links),
        "status": backup.status,
        "size": backup.size,
        "object_count": backup.objects_count,
        "availability_zone": backup.availability_zone or None,
        "container": backup.container or None,
        "created_at": microseconds(backup.created_at),
        "updated_at": microseconds(backup.updated_at),
        "description": backup.description,
        "fail_reason": backup.error or None,
        "volume_id": str(backup.volume_id),
        "is_incremental": backup.parent_id is not None,
        "has_dependent_backups": bool(getattr(backup, "has_children", False)),
        "snapshot_id": str(backup.snapshot_id) if backup.snapshot_id else None,
        "data_timestamp": microseconds(backup.data_at),
        "metadata": backup.metadata,
        "user_id": backup.user_id,
        "os-backup-project-attr:project_id": backup.project_id,
        "encryption_key_id": str(key_id) if key_id is not None else None,
    }
    hidden = list(microversions.hidden(FIELDS, version))
    if document["encryption_key_id"] is None:  # as in Cinder
        hidden.append("encryption_key_id")
    if not admin:
        hidden += OF_ADMINS
    return {key: value for key, value in document.items() if key not in hidden}
