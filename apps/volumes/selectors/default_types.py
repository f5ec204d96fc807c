"""Reading projects' default types."""

from django.db.models import QuerySet

from apps.volumes.exceptions import DefaultTypeNotFound
from apps.volumes.models import DefaultType


def everything() -> QuerySet[DefaultType]:
    return DefaultType.objects.order_by("project_id")


def get(*, project_id: str) -> DefaultType:
    """Raises DefaultTypeNotFound (404). 1 query."""
    row = DefaultType.objects.filter(project_id=project_id).first()
    if row is None:
        raise DefaultTypeNotFound(project=project_id[:64])
    return row
