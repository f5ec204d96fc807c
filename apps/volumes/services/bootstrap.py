"""The first volume type, and the keys of encrypted volumes. Idempotent: what exists is not changed."""

from django.conf import settings

from apps.identity import keys
from apps.volumes.models import VolumeType


def ensure_default_type() -> bool:
    """Make the type of volumes that name none, unless it exists. Returns whether it was made."""
    _, created = VolumeType.objects.get_or_create(
        name=settings.DEFAULT_VOLUME_TYPE, defaults={"description": "Volumes without another type"}
    )
    return created


def ensure_keys() -> bool:
    """Make the keys that passphrases of volumes are encrypted with, unless there are some. Returns whether it did."""
    return keys.setup(settings.VOLUME_KEY_DIR)
