"""Transfer: a volume that waits for another project to accept it."""

import uuid

from django.db import models
from django.utils import timezone

from apps.volumes.models.volumes import Volume


class Transfer(models.Model):
    """``key_digest`` is a digest of the key that who accepts has to know; the key itself is shown once.

    ``with_snapshots``: the volume's snapshots go with it. The projects are known once it is accepted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    volume = models.ForeignKey(Volume, on_delete=models.CASCADE, related_name="transfers", db_index=False)
    project_id = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=255, blank=True, default="")
    key_digest = models.CharField(max_length=64, editable=False)
    with_snapshots = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["volume"], name="transfer_once_per_volume")]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
