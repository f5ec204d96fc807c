"""Message: why something failed, for the project that asked for it."""

import uuid

from django.db import models
from django.utils import timezone


class Message(models.Model):
    """``event`` is a word of what failed, ``text`` a sentence that the user may read. Old ones are pruned."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    request_id = models.CharField(max_length=255, blank=True, default="")
    resource_type = models.CharField(max_length=64)
    resource_id = models.UUIDField(db_index=True)
    event = models.CharField(max_length=64)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["project_id", "-created_at", "-id"], name="message_by_project")]

    def __str__(self) -> str:
        return f"{self.event} of {self.resource_type} {self.resource_id}"
