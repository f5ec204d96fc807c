"""Volume: a disk that outlives servers."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.volumes import states
from apps.volumes.models.groups import Group
from apps.volumes.models.volume_types import VolumeType


class Volume(models.Model):
    """``size`` is GiB. ``backend`` names the back end, ``host`` the host that has the file ("" until one is chosen).

    While it migrates, ``target_host`` and ``target_backend`` say where to, and ``target_claim`` is the consumer that
    holds its room there; ``migration_status`` has Cinder's words, and keeps the last one.

    ``format`` is how the back end wrote the data; it is recorded, never probed. ``error`` is a sentence that the user
    may read. A deleted volume keeps its row (``deleted_at``) for administrators and audits.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, null=True, blank=True)
    size = models.PositiveIntegerField()
    status = models.CharField(
        max_length=32, choices=[(status, status) for status in states.VOLUME_STATUSES], default=states.CREATING
    )
    previous_status = models.CharField(max_length=32, blank=True, default="")
    volume_type = models.ForeignKey(
        VolumeType, null=True, blank=True, on_delete=models.SET_NULL, related_name="volumes"
    )
    availability_zone = models.CharField(max_length=255, blank=True, default="")
    backend = models.CharField(max_length=64, default="local")
    host = models.CharField(max_length=255, blank=True, default="")
    format = models.CharField(max_length=16, default=states.QCOW2)
    bootable = models.BooleanField(default=False)
    read_only = models.BooleanField(default=False)
    multiattach = models.BooleanField(default=False)
    encrypted = models.BooleanField(default=False)
    source_image_id = models.UUIDField(null=True, blank=True)
    source_snapshot_id = models.UUIDField(null=True, blank=True)
    source_volume_id = models.UUIDField(null=True, blank=True)
    source_backup_id = models.UUIDField(null=True, blank=True)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="volumes")
    migration_status = models.CharField(max_length=32, blank=True, default="")
    target_host = models.CharField(max_length=255, blank=True, default="")
    target_backend = models.CharField(max_length=64, blank=True, default="")
    target_claim = models.UUIDField(null=True, blank=True)
    scheduler_hints = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    image_metadata = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    launched_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["project_id", "-created_at", "-id"], condition=Q(deleted_at=None), name="volume_by_project"
            ),
            models.Index(fields=["-created_at", "-id"], condition=Q(deleted_at=None), name="volume_by_age"),
            models.Index(fields=["host"], condition=Q(deleted_at=None), name="volume_by_host"),
            models.Index(
                fields=["status"], condition=Q(deleted_at=None, status__in=states.BUSY), name="volume_by_task"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
