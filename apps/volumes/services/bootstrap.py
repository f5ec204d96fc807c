"""The first volume type, and the keys of encrypted volumes. Idempotent: what exists is not changed."""

import structlog
from django.conf import settings

from apps.identity import keys
from apps.volumes.models import VolumeKey, VolumeType

log = structlog.get_logger("celerity.volumes")


def ensure_default_type() -> bool:
    """Make the type of volumes that name none, unless it exists. Returns whether it was made."""
    _, created = VolumeType.objects.get_or_create(
        name=settings.DEFAULT_VOLUME_TYPE, defaults={"description": "Volumes without another type"}
    )
    return created


def ensure_keys() -> bool:
    """Make the keys that passphrases of volumes are encrypted with, unless there are some. Returns whether it did.

    Where passphrases exist that new keys would not open, none are made: the keys have to come back from where they are.
    """
    if VolumeKey.objects.exists() and not (settings.VOLUME_KEY_DIR.is_dir() and any(settings.VOLUME_KEY_DIR.iterdir())):
        log.error("the keys of encrypted volumes are missing", directory=str(settings.VOLUME_KEY_DIR))
        return False
    return keys.setup(settings.VOLUME_KEY_DIR)
