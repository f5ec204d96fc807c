"""Volume types: what users choose a back end and its features by."""

import uuid

from django.db import models
from django.utils import timezone


class VolumeType(models.Model):
    """``extra_specs`` choose back ends and features, as "volume_backend_name" and "multiattach" do."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    is_public = models.BooleanField(default=True)
    extra_specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class VolumeTypeAccess(models.Model):
    """A project that may use a type which is not public."""

    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="access", db_index=False)
    project_id = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "volume type access"
        constraints = [
            models.UniqueConstraint(fields=["volume_type", "project_id"], name="volume_type_access_once"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} may use {self.volume_type_id}"
