"""BackupPlan: backups that the cloud makes by itself."""

import uuid

from django.db import models
from django.utils import timezone

from apps.volumes.models.volumes import Volume


class BackupPlan(models.Model):
    """Each ``interval_hours``, from ``next_at`` on, one volume is backed up, or all of the project (``volume`` None).

    The newest ``keep`` backups of each volume stay. Each ``full_every``-th is a full one, the others are incremental.
    ``error`` says what went wrong in its last round.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64, db_index=True)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    volume = models.ForeignKey(Volume, null=True, blank=True, on_delete=models.CASCADE, related_name="backup_plans")
    interval_hours = models.PositiveIntegerField()
    keep = models.PositiveIntegerField()
    full_every = models.PositiveIntegerField(default=1)
    is_enabled = models.BooleanField(default=True)
    next_at = models.DateTimeField(default=timezone.now, db_index=True)
    last_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
