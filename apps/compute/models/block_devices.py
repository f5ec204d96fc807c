"""BlockDevice: a disk of a server."""

import uuid

from django.db import models

from apps.compute.models.servers import Server

VOLUME = "volume"


class BlockDevice(models.Model):
    """``kind`` is root, ephemeral, swap or volume; ``size`` is GiB (MiB for swap). ``device`` is the name in the guest.

    ``bus`` "" means the image's bus. ``boot_index`` 0 is the root disk; of the row of a local root disk it may be None.

    A volume has ``volume_id``, and ``attachment_id`` from its reservation on. ``source_type`` ("image", "snapshot",
    "blank", "volume") and ``source_id`` say what the request named: the build makes the volume unless that is a volume.
    ``is_attached``: the guest has it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="block_devices")
    kind = models.CharField(max_length=16)
    position = models.PositiveSmallIntegerField(default=0)
    size = models.PositiveIntegerField(default=0)
    device = models.CharField(max_length=32, blank=True)
    bus = models.CharField(max_length=8, blank=True)
    tag = models.CharField(max_length=60, blank=True)
    is_disc = models.BooleanField(default=False, help_text="The guest has the volume in a CD-ROM drive.")
    boot_index = models.SmallIntegerField(null=True, blank=True)
    volume_id = models.UUIDField(null=True, blank=True)
    attachment_id = models.UUIDField(null=True, blank=True)
    source_type = models.CharField(max_length=16, blank=True, default="")
    source_id = models.UUIDField(null=True, blank=True)
    delete_on_termination = models.BooleanField(default=False)
    is_attached = models.BooleanField(default=False)

    class Meta:
        ordering = ["server", "position"]
        constraints = [models.UniqueConstraint(fields=["server", "position"], name="one_device_per_position")]

    def __str__(self) -> str:
        return f"{self.kind} {self.device}"

    @property
    def is_volume(self) -> bool:
        return self.kind == VOLUME

    @property
    def is_root(self) -> bool:
        return self.kind == "root" or self.boot_index == 0

    @property
    def is_made_by_build(self) -> bool:
        """Whether the server's build makes the volume."""
        return self.is_volume and self.source_type != VOLUME
