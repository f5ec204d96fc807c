"""Reading projects' default types."""

from django.db.models import QuerySet

from apps.volumes.exceptions import DefaultTypeNotFound
from apps.volumes.models import DefaultType, VolumeType


def everything() -> QuerySet[DefaultType]:
    return DefaultType.objects.order_by("project_id")


def get(*, project_id: str) -> DefaultType:
    """Raises DefaultTypeNotFound (404). 1 query."""
    row = DefaultType.objects.filter(project_id=project_id).first()
    if row is None:
        raise DefaultTypeNotFound(project=project_id[:64])
    return row


def of_project(project_id: str | None) -> VolumeType | None:
    """Return the type of a project's volumes that name none, if the project has its own. 1 query."""
    row = DefaultType.objects.select_related("volume_type").filter(project_id=project_id or "").first()
    return row.volume_type if row is not None else None
