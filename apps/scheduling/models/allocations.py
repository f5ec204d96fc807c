"""Allocation: a consumer's (server's) claim on a host."""

import uuid

from django.db import models
from django.utils import timezone

from apps.scheduling.models.hosts import Host


class Allocation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    consumer_id = models.UUIDField(unique=True)
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="allocations")
    vcpus = models.PositiveIntegerField()
    ram_mib = models.PositiveBigIntegerField()
    disk_gib = models.PositiveBigIntegerField()
    topology = models.JSONField(
        null=True,
        blank=True,
        help_text="Which CPUs, NUMA cells and pages of the host are the server's, if it has its own.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.consumer_id} on {self.host_id}"
