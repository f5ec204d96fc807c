"""Export: a volume that is open for another host than its own."""

import uuid

from django.db import models
from django.utils import timezone

from apps.volumes.models.attachments import Attachment, new_export


class Export(models.Model):
    """``host`` has the disk of the attachment's volume from ``storage_host``, which listens at ``address``, ``port``.

    The row is what is wanted: the storage host opens what has a row, and closes what has none. ``opened_at`` None: it
    was not open yet; ``error`` says why it is not. While a server moves, its attachment has one for each host.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="exports")
    host = models.CharField(max_length=255)
    storage_host = models.CharField(max_length=255, db_index=True)
    name = models.CharField(max_length=64, default=new_export, editable=False)
    address = models.CharField(max_length=255, blank=True, default="")
    port = models.PositiveIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["attachment", "host"], name="export_once_a_host"),
            models.UniqueConstraint(fields=["storage_host", "port"], name="export_has_its_port"),
        ]

    def __str__(self) -> str:
        return f"{self.attachment_id} for {self.host}"
