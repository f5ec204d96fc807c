"""Reading volumes: filtered by project in the query, never in the view."""

import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import VolumeNotFound
from apps.volumes.models import Volume
from apps.volumes.sql.volumes import BY_ID, ROW, TYPE


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Volume]:
    """Return the volumes that are not deleted: of the caller's project, or of all."""
    rows = Volume.objects.filter(deleted_at=None)
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, volume_id: Any) -> Volume:
    """Return a volume of the caller's project (of any, for administrators). Raises VolumeNotFound (404). 1 query."""
    key = parse_uuid(volume_id)
    volume = load(volume_id=key) if key else None
    if volume is None or not (context.is_admin or volume.project_id == context.project_id):
        raise VolumeNotFound(volume=str(volume_id)[:64])
    return volume


def load(*, volume_id: uuid.UUID) -> Volume | None:
    """Return a volume that is not deleted, with its type, without a policy check: for workers. 1 query."""
    for row in BY_ID.fetch({"id": volume_id}):
        volume = ROW.read(row[: ROW.width])
        if volume.volume_type_id is not None:
            volume.volume_type = TYPE.read(row[ROW.width :])
        return volume
    return None


def any_of(*, volume_id: uuid.UUID) -> Volume | None:
    """Return a volume with its type, also a deleted one. 1 query."""
    return Volume.objects.select_related("volume_type").filter(id=volume_id).first()


def backend_of(volume_id: str) -> str:
    """Return the back end that has a volume; "" for one without a row. 1 query."""
    return Volume.objects.filter(id=volume_id, deleted_at=None).values_list("backend", flat=True).first() or ""


def places_of(*, volume_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the host and the back end of volumes that are on a host, by ID. 1 query."""
    rows = Volume.objects.filter(id__in=list(volume_ids), deleted_at=None).exclude(host="")
    return {str(key): (host, backend) for key, host, backend in rows.values_list("id", "host", "backend")}


def on_host(*, host: str) -> QuerySet[Volume]:
    """Return the volumes that have their files on a host."""
    return Volume.objects.filter(host=host, deleted_at=None)


def existing(ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of the IDs have a volume that is not deleted. 1 query."""
    return set(Volume.objects.filter(id__in=list(ids), deleted_at=None).values_list("id", flat=True))


def names(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of volumes by ID, of deleted ones too. 1 query."""
    return dict(Volume.objects.filter(id__in=list(ids)).values_list("id", "name"))


def ids_like(text: str) -> list[uuid.UUID]:
    """Return the IDs of volumes whose names contain a text, of deleted ones too. 1 query."""
    return list(Volume.objects.filter(name__icontains=text).order_by().values_list("id", flat=True))
