"""Images: attributes of their data, and who may use them."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.images import states


class Image(models.Model):
    """``size`` and ``virtual_size`` in bytes, ``min_disk`` in GiB, ``min_ram`` in MiB; ``checksum`` is MD5.

    ``charged``: bytes of an upload under way that count against the quota, also when the image is deleted meanwhile.
    ``filled_by``: the run (of workflow) that brings the data of an image of the cloud's own work, a server's snapshot;
    nobody else may upload any. It ends with the upload. Rows of deleted images stay, so that an id is never used twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, null=True, blank=True)
    project_id = models.CharField("owner", max_length=64, db_index=True)
    visibility = models.CharField(max_length=16, default=states.SHARED)
    status = models.CharField(max_length=16, default=states.QUEUED)
    disk_format = models.CharField(max_length=16, null=True, blank=True)
    container_format = models.CharField(max_length=16, null=True, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    virtual_size = models.BigIntegerField(null=True, blank=True)
    min_disk = models.PositiveIntegerField(default=0)
    min_ram = models.PositiveIntegerField(default=0)
    checksum = models.CharField(max_length=32, null=True, blank=True)
    os_hash_algo = models.CharField(max_length=16, null=True, blank=True)
    os_hash_value = models.CharField(max_length=128, null=True, blank=True)
    protected = models.BooleanField(default=False)
    os_hidden = models.BooleanField(default=False)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    charged = models.BigIntegerField(default=0, editable=False)
    upload_id = models.UUIDField(null=True, blank=True, editable=False)
    filled_by = models.UUIDField(null=True, blank=True, editable=False)
    progress = models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["os_hash_value"], name="image_live_hash", condition=models.Q(deleted_at=None)),
            models.Index(fields=["visibility"], name="image_live_visibility", condition=models.Q(deleted_at=None)),
            models.Index(fields=["project_id"], name="image_charged", condition=models.Q(charged__gt=0)),
            models.Index(fields=["status"], name="image_saving", condition=models.Q(status=states.SAVING)),
            models.Index(fields=["filled_by"], name="image_filled_by", condition=models.Q(filled_by__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(status__in=[states.ACTIVE, states.DEACTIVATED])
                | models.Q(os_hash_value__isnull=False, size__isnull=False),
                name="image_active_has_bits",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)
