"""Writing projects' default types."""

from django.db import transaction

from apps.common import audit
from apps.common.exceptions import BadRequest
from apps.identity.selectors import projects
from apps.volumes import exceptions
from apps.volumes.models import DefaultType, VolumeType


@transaction.atomic
def put(*, project_id: str, volume_type: VolumeType) -> DefaultType:
    """Let a project's volumes without a type have this one. Raises BadRequest (400) for an unknown project."""
    if projects.find(project_id) is None:
        raise BadRequest(f"Project ID {project_id[:64]} is not a valid project.")
    row, _ = DefaultType.objects.update_or_create(project_id=project_id, defaults={"volume_type": volume_type})
    audit.record("set_default", "volume_type", volume_type.id, details={"project": project_id})
    return row


def delete(*, project_id: str) -> None:
    """Raises DefaultTypeNotFound (404)."""
    if not DefaultType.objects.filter(project_id=project_id).delete()[0]:
        raise exceptions.DefaultTypeNotFound(project=project_id[:64])
