"""Scheduler: a machine on which scheduler processes of this cloud run."""

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone

DOWN_SECONDS = 60  # several schedulers share the rounds that they are heard by


class Scheduler(models.Model):
    """``host`` is the machine's own name; ``id`` its service's in the API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(unique=True, help_text="The ID in microversions below 2.53.")
    host = models.CharField(max_length=255, unique=True)
    heartbeat_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host

    @property
    def is_up(self) -> bool:
        """Return whether it was active within the last minute."""
        return self.heartbeat_at >= timezone.now() - timedelta(seconds=DOWN_SECONDS)
