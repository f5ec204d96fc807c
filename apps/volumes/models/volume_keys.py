"""VolumeKey: what opens an encrypted volume, or a backup of one."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.volumes.models.backups import Backup
from apps.volumes.models.volumes import Volume


class VolumeKey(models.Model):
    """``sealed`` is the passphrase, encrypted with the cloud's volume keys (``CELERITY_STATE_DIR/volume-keys``).

    ``cipher`` and ``key_size`` (bits) are how the data is encrypted. It belongs to a volume, a backup or an image (that
    of an encrypted volume); with ``is_next``, to the copy of the volume's data that a change of its type makes. A
    volume's that names an image was made of that one's data, as it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    volume = models.ForeignKey(
        Volume, null=True, blank=True, on_delete=models.CASCADE, related_name="keys", db_index=False
    )
    backup = models.ForeignKey(
        Backup, null=True, blank=True, on_delete=models.CASCADE, related_name="keys", db_index=False
    )
    image_id = models.UUIDField(null=True, blank=True, editable=False)
    is_next = models.BooleanField(default=False)
    sealed = models.TextField(editable=False)
    cipher = models.CharField(max_length=255)
    key_size = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["volume", "is_next"], name="volume_key_once"),
            models.UniqueConstraint(fields=["backup"], name="volume_key_once_a_backup"),
            models.UniqueConstraint(
                fields=["image_id"], condition=Q(volume=None, backup=None), name="volume_key_once_an_image"
            ),
            models.CheckConstraint(
                condition=Q(volume=None, backup__isnull=False, image_id=None)
                | Q(volume__isnull=False, backup=None)
                | Q(volume=None, backup=None, image_id__isnull=False),
                name="volume_key_has_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cipher} of {self.volume_id or self.backup_id or self.image_id}"
