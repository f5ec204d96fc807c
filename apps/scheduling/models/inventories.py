"""Inventory: a host's capacity and its usage. One wide row, so that a claim is one update."""

import math

from django.db import models

from apps.scheduling.models.hosts import Host


class Inventory(models.Model):
    """Units: vCPUs, RAM in MiB, disk in GiB. Capacity is (total - reserved) * ratio, rounded down.

    ``*_used`` is the sum of the host's allocations, kept by the statement that writes them.
    """

    host = models.OneToOneField(Host, on_delete=models.CASCADE, primary_key=True, related_name="inventory")
    vcpus = models.PositiveIntegerField()
    vcpus_reserved = models.PositiveIntegerField(default=0)
    vcpus_ratio = models.FloatField(default=4.0)
    vcpus_used = models.PositiveIntegerField(default=0)
    ram_mib = models.PositiveBigIntegerField()
    ram_reserved = models.PositiveBigIntegerField(default=0)
    ram_ratio = models.FloatField(default=1.0)
    ram_used = models.PositiveBigIntegerField(default=0)
    disk_gib = models.PositiveBigIntegerField()
    disk_reserved = models.PositiveBigIntegerField(default=0)
    disk_ratio = models.FloatField(default=1.0)
    disk_used = models.PositiveBigIntegerField(default=0)
    servers = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "inventories"

    def __str__(self) -> str:
        return f"{self.host_id}: {self.vcpus_used}/{self.vcpus} vCPU"

    def capacity(self, word: str) -> int:
        """Return how much servers may have in all; ``word`` is vcpus, ram or disk."""
        total: int = getattr(self, {"vcpus": "vcpus", "ram": "ram_mib", "disk": "disk_gib"}[word])
        reserved: int = getattr(self, f"{word}_reserved")
        ratio: float = getattr(self, f"{word}_ratio")
        return math.floor((total - reserved) * ratio)
