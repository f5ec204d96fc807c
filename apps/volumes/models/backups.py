"""Backup: the content of a volume in the store of backups, which outlives the volume."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.volumes import states
from apps.volumes.models.backup_plans import BackupPlan


class Backup(models.Model):
    """``size`` is the volume's in GiB when it was made. ``parent`` is the backup that an incremental one is based on.

    The volume and the snapshot may be deleted since. ``host`` made it. ``volume_facts`` is what a
    volume that is made of it gets: metadata, and what it says of its image. ``restoring_id`` is the volume that it is
    being restored to. ``objects_count`` and ``stored_bytes`` are what it has in the store. ``plan`` made it, if
    any. A deleted backup keeps its row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, null=True, blank=True)
    volume_id = models.UUIDField(db_index=True)
    snapshot_id = models.UUIDField(null=True, blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    size = models.PositiveIntegerField()
    status = models.CharField(
        max_length=32, choices=[(status, status) for status in states.BACKUP_STATUSES], default=states.CREATING
    )
    volume_facts = models.JSONField(default=dict, blank=True)
    container = models.CharField(max_length=255, blank=True, default="")
    availability_zone = models.CharField(max_length=255, blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    objects_count = models.PositiveIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    plan = models.ForeignKey(BackupPlan, null=True, blank=True, on_delete=models.SET_NULL, related_name="backups")
    restoring_id = models.UUIDField(null=True, blank=True, db_index=True)
    error = models.TextField(blank=True, default="")
    data_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["project_id", "-created_at", "-id"], condition=Q(deleted_at=None), name="backup_by_project"
            ),
            models.Index(fields=["-created_at", "-id"], condition=Q(deleted_at=None), name="backup_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
