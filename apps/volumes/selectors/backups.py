"""Reading backups: filtered by project in the query, never in the view."""

import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes import states
from apps.volumes.exceptions import BackupNotFound
from apps.volumes.models import Backup, VolumeKey
from apps.volumes.sql.backups import BY_ID, ROW


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Backup]:
    """Return the backups that are not deleted: of the caller's project, or of all. ``has_children`` says whether
    others are based on one.
    """
    children = Backup.objects.filter(parent_id=OuterRef("id"), deleted_at=None)
    keys = VolumeKey.objects.filter(backup_id=OuterRef("id")).values("id")
    rows = Backup.objects.filter(deleted_at=None).annotate(has_children=Exists(children), key_id=Subquery(keys))
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, backup_id: Any) -> Backup:
    """Return a backup of the caller's project (of any, for administrators). Raises BackupNotFound (404)."""
    key = parse_uuid(backup_id)
    row = visible(context=context, all_projects=context.is_admin).filter(id=key).first() if key else None
    if row is None:
        raise BackupNotFound(backup=str(backup_id)[:64])
    return row


def load(*, backup_id: uuid.UUID) -> Backup | None:
    """Return a backup that is not deleted, without a policy check: for workers. 1 query."""
    return next((ROW.read(row) for row in BY_ID.fetch({"id": backup_id})), None)


def newest(*, volume_id: uuid.UUID, project_id: str) -> Backup | None:
    """Return the volume's newest backup that an incremental one can be based on. 1 query."""
    rows = Backup.objects.filter(
        volume_id=volume_id, project_id=project_id, deleted_at=None, status__in=(states.AVAILABLE, states.RESTORING)
    )
    return rows.order_by("-data_at", "-created_at", "-id").first()


def has_children(*, backup_id: uuid.UUID) -> bool:
    """Return whether a backup that is not deleted is based on it. 1 query."""
    return Backup.objects.filter(parent_id=backup_id, deleted_at=None).exists()


def of_volume(*, volume_id: uuid.UUID) -> QuerySet[Backup]:
    """Return a volume's backups, newest first."""
    return Backup.objects.filter(volume_id=volume_id, deleted_at=None)


def deleted(ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of the IDs were those of backups that are deleted. 1 query."""
    return set(Backup.objects.filter(id__in=list(ids)).exclude(deleted_at=None).values_list("id", flat=True))


def existing(ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of the IDs have a backup that is not deleted. 1 query."""
    return set(Backup.objects.filter(id__in=list(ids), deleted_at=None).values_list("id", flat=True))


def names(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of backups by ID, of deleted ones too. 1 query."""
    return dict(Backup.objects.filter(id__in=list(ids)).values_list("id", "name"))


def ids_like(text: str) -> list[uuid.UUID]:
    """Return the IDs of backups whose names contain a text, of deleted ones too. 1 query."""
    return list(Backup.objects.filter(name__icontains=text).order_by().values_list("id", flat=True))
