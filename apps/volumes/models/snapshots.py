"""Snapshot: a volume as it was at a moment."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.volumes import states
from apps.volumes.models.groups import GroupSnapshot
from apps.volumes.models.volumes import Volume


class Snapshot(models.Model):
    """``size`` is the volume's in GiB at the time. A deleted snapshot keeps its row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="snapshots", db_index=False)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, null=True, blank=True)
    size = models.PositiveIntegerField()
    status = models.CharField(
        max_length=32, choices=[(status, status) for status in states.SNAPSHOT_STATUSES], default=states.CREATING
    )
    group_snapshot = models.ForeignKey(
        GroupSnapshot, null=True, blank=True, on_delete=models.SET_NULL, related_name="snapshots"
    )
    progress = models.PositiveSmallIntegerField(default=0)
    metadata = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["project_id", "-created_at", "-id"], condition=Q(deleted_at=None), name="snapshot_by_project"
            ),
            models.Index(fields=["-created_at", "-id"], condition=Q(deleted_at=None), name="snapshot_by_age"),
            models.Index(fields=["volume"], condition=Q(deleted_at=None), name="snapshot_by_volume"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
