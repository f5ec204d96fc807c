"""Aggregate: a group of hosts with metadata."""

import uuid

from django.db import models
from django.utils import timezone

from apps.scheduling.models.hosts import Host

ZONE_KEY = "availability_zone"


class Aggregate(models.Model):
    """``id`` is the number that the API shows; ``metadata`` is text to text. Its key ``availability_zone`` makes the
    hosts' zone: ``Host.zone`` is written in the same transaction (services/aggregates.py).
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    metadata = models.JSONField(default=dict, blank=True)
    hosts = models.ManyToManyField(Host, related_name="aggregates", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def availability_zone(self) -> str | None:
        zone: str | None = self.metadata.get(ZONE_KEY)
        return zone
