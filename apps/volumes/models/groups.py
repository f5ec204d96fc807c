"""Groups of volumes: their types, the groups, and snapshots of all volumes of one."""

import uuid

from django.db import models
from django.utils import timezone


class GroupType(models.Model):
    """What users choose a group's features by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    is_public = models.BooleanField(default=True)
    group_specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class Group(models.Model):
    """``volume_type_ids`` are the types that its volumes may have. ``status`` is what an operator set; "" follows the
    volumes. A group that is deleted goes with the last of its volumes. The sources may be gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64, db_index=True)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, null=True, blank=True)
    group_type = models.ForeignKey(GroupType, on_delete=models.PROTECT, related_name="groups")
    volume_type_ids = models.JSONField(default=list, blank=True)
    availability_zone = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=32, blank=True, default="")
    is_deleting = models.BooleanField(default=False)
    source_group_id = models.UUIDField(null=True, blank=True)
    source_snapshot_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


class GroupSnapshot(models.Model):
    """Snapshots of all volumes of a group. It follows them: ``status`` is what an operator set, or ""."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="snapshots")
    project_id = models.CharField(max_length=64, db_index=True)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, null=True, blank=True)
    status = models.CharField(max_length=32, blank=True, default="")
    is_deleting = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
