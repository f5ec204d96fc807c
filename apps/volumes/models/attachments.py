"""Attachment: a volume on a server, or on a host without one."""

import secrets
import uuid

from django.db import models
from django.utils import timezone

from apps.volumes import states
from apps.volumes.models.volumes import Volume


def new_export() -> str:
    """Return a name that nobody can guess: who knows the name of an export may open it."""
    return secrets.token_urlsafe(24)


class Attachment(models.Model):
    """``server_id`` is the server's ID (None: a host without one). ``host`` has the disk open.

    ``by_compute``: the compute service made the attachment, and ends it. ``connector`` is what the client said of its
    host (os-brick's connector); ``export`` the name of the back end's export; ``device`` the guest's name of the disk
    ("/dev/vdb"). A deleted attachment has no row.

    ``serial``: the guest knows the disk by the ID of another volume, whose place this one took; "" by its own.
    ``at_target``: the volume moves, and the host opens it where it goes to.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="attachments")
    server_id = models.UUIDField(null=True, blank=True, db_index=True)
    host = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(
        max_length=32, choices=[(status, status) for status in states.ATTACHMENT_STATUSES], default=states.RESERVED
    )
    mode = models.CharField(max_length=2, blank=True, default="")
    connector = models.JSONField(default=dict, blank=True)
    connection_info = models.JSONField(default=dict, blank=True)
    by_compute = models.BooleanField(default=False)
    export = models.CharField(max_length=64, default=new_export, editable=False)
    device = models.CharField(max_length=255, blank=True, default="")
    serial = models.CharField(max_length=36, blank=True, default="", editable=False)
    at_target = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    attached_at = models.DateTimeField(null=True, blank=True)
    detached_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.volume_id} on {self.server_id or self.host}"

    @property
    def storage_host(self) -> str:
        """The host that has the data which this attachment opens."""
        return self.volume.target_host if self.at_target else self.volume.host

    @property
    def backend(self) -> str:
        """The back end that has the data."""
        return self.volume.target_backend if self.at_target else self.volume.backend
