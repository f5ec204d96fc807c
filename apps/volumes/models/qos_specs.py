"""QosSpec: limits that volumes of the types have with which it is associated."""

import uuid

from django.db import models
from django.utils import timezone


class QosSpec(models.Model):
    """``consumer`` says who applies ``specs``: the hypervisor ("front-end"), the back end, or both."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    consumer = models.CharField(max_length=16)
    specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "QoS spec"

    def __str__(self) -> str:
        return self.name
