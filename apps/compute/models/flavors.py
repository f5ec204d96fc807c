"""Flavor: the size of a server."""

import uuid

from django.db import models
from django.utils import timezone


def new_flavor_id() -> str:
    return str(uuid.uuid4())


class Flavor(models.Model):
    """Units: RAM and swap in MiB, disks in GiB. ``flavor_id`` is the id that the API shows."""

    flavor_id = models.CharField(max_length=255, unique=True, default=new_flavor_id)
    name = models.CharField(max_length=255, unique=True)
    vcpus = models.PositiveIntegerField()
    ram_mib = models.PositiveIntegerField()
    disk_gib = models.PositiveIntegerField(default=0)
    ephemeral_gib = models.PositiveIntegerField(default=0)
    swap_mib = models.PositiveIntegerField(default=0)
    rxtx_factor = models.FloatField(default=1.0)
    is_public = models.BooleanField(default=True)
    disabled = models.BooleanField(default=False)
    description = models.TextField(null=True, blank=True)
    extra_specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["ram_mib", "vcpus", "flavor_id"]

    def __str__(self) -> str:
        return self.name


class FlavorAccess(models.Model):
    """A project that may use a flavor which is not public."""

    flavor = models.ForeignKey(Flavor, on_delete=models.CASCADE, related_name="access")
    project_id = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "flavor access"
        constraints = [models.UniqueConstraint(fields=["flavor", "project_id"], name="one_access_per_project")]

    def __str__(self) -> str:
        return f"{self.project_id} may use {self.flavor_id}"
