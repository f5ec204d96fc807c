"""Volume types: what users choose a back end and its features by."""

import uuid

from django.db import models
from django.utils import timezone

from apps.volumes.models.qos_specs import QosSpec


class VolumeType(models.Model):
    """``extra_specs`` choose back ends and features, as "volume_backend_name" and "multiattach" do."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)
    is_public = models.BooleanField(default=True)
    extra_specs = models.JSONField(default=dict, blank=True)
    qos_spec = models.ForeignKey(QosSpec, null=True, blank=True, on_delete=models.SET_NULL, related_name="volume_types")
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


class EncryptionType(models.Model):
    """How volumes of a type are to be encrypted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    volume_type = models.OneToOneField(VolumeType, on_delete=models.CASCADE, related_name="encryption")
    provider = models.CharField(max_length=255)
    control_location = models.CharField(max_length=16, default="front-end")
    cipher = models.CharField(max_length=255, null=True, blank=True)
    key_size = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.provider} for {self.volume_type_id}"


class DefaultType(models.Model):
    """The type of a project's volumes that name none."""

    project_id = models.CharField(max_length=64, unique=True)
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="default_of")

    def __str__(self) -> str:
        return f"{self.volume_type_id} of {self.project_id}"
