"""The first volume type. Idempotent: existing rows are not changed."""

from django.conf import settings

from apps.volumes.models import VolumeType


def ensure_default_type() -> bool:
    """Make the type of volumes that name none, unless it exists. Returns whether it was made."""
    _, created = VolumeType.objects.get_or_create(
        name=settings.DEFAULT_VOLUME_TYPE, defaults={"description": "Volumes without another type"}
    )
    return created
