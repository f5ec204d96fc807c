"""Migration: a server's way to another host or to another flavor."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.compute.migration_states import ENDED
from apps.compute.models.servers import Server


class Migration(models.Model):
    """``uuid`` is also the consumer of what the server holds on the host that it is not on: on the destination until it
    runs there, and then on the source until that is given up.

    The flavors are copies, as a server has; they differ in a resize alone. Of a live migration, bytes of memory and
    disk are counted, and its guest's pause is noted.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="migrations")
    run_id = models.UUIDField(null=True, blank=True, help_text="The run that moves the server.")
    type = models.CharField(max_length=16)
    status = models.CharField(max_length=16)
    source = models.CharField(max_length=255)
    destination = models.CharField(max_length=255, blank=True)
    old_flavor = models.JSONField(default=dict)
    new_flavor = models.JSONField(default=dict)
    old_flavor_number = models.BigIntegerField(default=0)
    new_flavor_number = models.BigIntegerField(default=0)
    old_vm_state = models.CharField(max_length=32)
    user_id = models.CharField(max_length=64)
    project_id = models.CharField(max_length=64)
    memory_total = models.BigIntegerField(default=0)
    memory_processed = models.BigIntegerField(default=0)
    memory_remaining = models.BigIntegerField(default=0)
    disk_total = models.BigIntegerField(default=0)
    disk_processed = models.BigIntegerField(default=0)
    disk_remaining = models.BigIntegerField(default=0)
    downtime_ms = models.IntegerField(null=True, blank=True, help_text="How long the guest was paused, if it was told.")
    forced = models.BooleanField(default=False, help_text="It is to be completed soon, at the price of a pause.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["server", "-id"], name="migration_by_server"),
            models.Index(fields=["-created_at", "-id"], name="migration_by_age"),
            models.Index(fields=["run_id"], name="migration_by_run"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["server"], condition=~Q(status__in=ENDED), name="one_open_migration_per_server"
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.server_id} from {self.source} to {self.destination or 'a host to be chosen'}"
