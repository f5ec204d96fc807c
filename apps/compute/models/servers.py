"""Server: a virtual machine as its project sees it."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.compute import states
from apps.compute.models.server_groups import ServerGroup


class Server(models.Model):
    """``flavor`` is a copy of the flavor's values at creation; the flavor may be deleted later.

    ``task_state`` "" is none. A deleted server keeps its row (``deleted_at``) for administrators and audits.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    hostname = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)

    vm_state = models.CharField(max_length=32, choices=states.VM_STATES, default=states.BUILDING)
    task_state = models.CharField(max_length=64, blank=True)
    power_state = models.PositiveSmallIntegerField(default=states.NOSTATE)
    progress = models.PositiveSmallIntegerField(default=0)
    fault_code = models.PositiveSmallIntegerField(null=True, blank=True)
    fault_message = models.TextField(blank=True)
    fault_details = models.TextField(blank=True)
    fault_at = models.DateTimeField(null=True, blank=True)

    image_id = models.UUIDField(null=True, blank=True)
    flavor = models.JSONField(default=dict)
    key_name = models.CharField(max_length=255, null=True, blank=True)
    public_key = models.TextField(blank=True)
    user_data = models.TextField(blank=True)
    admin_password = models.TextField(
        blank=True, editable=False, help_text="Encrypted; removed once the config drive contains it."
    )
    tpm_secret = models.TextField(
        blank=True, editable=False, help_text="What the state of its TPM is encrypted with; itself encrypted."
    )
    config_drive = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    image_facts = models.JSONField(
        default=dict, blank=True, help_text="Data of the image at creation; the image may be deleted later."
    )
    image_properties = models.JSONField(default=dict, blank=True)
    personality = models.JSONField(default=list, blank=True)
    trusted_image_certificates = ArrayField(
        models.CharField(max_length=255), null=True, blank=True, help_text="IDs of those that may sign its image."
    )
    rescue = models.JSONField(
        null=True, blank=True, editable=False, help_text="The image that the server is rescued with, while it is."
    )
    rebuild = models.JSONField(
        null=True, blank=True, editable=False, help_text="Columns of a rebuild that has not begun to change the disks."
    )
    shelved_image_id = models.UUIDField(
        null=True, blank=True, editable=False, help_text="What its root disk is made of when it is unshelved."
    )
    requested_networks = models.JSONField(null=True, blank=True, help_text="null if the request named none.")
    security_groups = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    scheduler_hints = models.JSONField(default=dict, blank=True)
    group = models.ForeignKey(
        ServerGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="servers", db_index=False
    )

    requested_zone = models.CharField(max_length=255, blank=True)
    requested_host = models.CharField(max_length=255, blank=True)
    zone = models.CharField(max_length=255, blank=True)
    host = models.CharField(max_length=255, blank=True)

    access_ip_v4 = models.GenericIPAddressField(protocol="IPv4", null=True, blank=True)
    access_ip_v6 = models.GenericIPAddressField(protocol="IPv6", null=True, blank=True)
    locked = models.BooleanField(default=False)
    locked_by = models.CharField(max_length=8, blank=True, editable=False)
    locked_reason = models.CharField(max_length=255, null=True, blank=True)
    reservation_id = models.CharField(max_length=32)
    launch_index = models.PositiveIntegerField(default=0)
    disk_config = models.CharField(max_length=8, default="MANUAL")
    root_device_name = models.CharField(max_length=32, blank=True)
    has_volumes = models.BooleanField(
        default=False, help_text="It has, or had, volumes: only then are they looked for."
    )

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    launched_at = models.DateTimeField(null=True, blank=True)
    shelved_at = models.DateTimeField(null=True, blank=True)
    soft_deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    # Not stored: the consumer of its claim where that is not the server, as on the host that it moves to.
    claimed_by: uuid.UUID | None = None

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="server_by_project"),
            models.Index(fields=["host"], condition=Q(deleted_at=None), name="server_by_host"),
            models.Index(fields=["-created_at", "-id"], condition=Q(deleted_at=None), name="server_by_age"),
            models.Index(fields=["vm_state"], condition=Q(deleted_at=None), name="server_by_state"),
            models.Index(fields=["updated_at"], name="server_by_change"),
            models.Index(fields=["group"], condition=Q(group__isnull=False), name="server_by_group"),
            GinIndex(fields=["tags"], name="server_by_tag"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    @property
    def status(self) -> str:
        return states.status(self.vm_state, self.task_state)

    @property
    def domain_name(self) -> str:
        """The name of the server's domain on its host (OS-EXT-SRV-ATTR:instance_name)."""
        return f"instance-{self.id.hex[:8]}-{self.id.hex[20:]}"
