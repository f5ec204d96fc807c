"""BlockDevice: a disk of a server."""

import uuid

from django.db import models

from apps.compute.models.servers import Server


class BlockDevice(models.Model):
    """``kind`` is root, ephemeral or swap; ``size`` is GiB (MiB for swap). ``device`` is known once it is mapped.

    ``bus`` "" means the image's bus.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="block_devices")
    kind = models.CharField(max_length=16)
    position = models.PositiveSmallIntegerField(default=0)
    size = models.PositiveIntegerField(default=0)
    device = models.CharField(max_length=32, blank=True)
    bus = models.CharField(max_length=8, blank=True)
    tag = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["server", "position"]
        constraints = [models.UniqueConstraint(fields=["server", "position"], name="one_device_per_position")]

    def __str__(self) -> str:
        return f"{self.kind} {self.device}"
