"""Host: a machine with a hypervisor and an agent."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


def alive_since() -> datetime:
    """Return when an agent must have been heard last for its host to be up (in SQL: sql/capacity.py)."""
    return timezone.now() - timedelta(seconds=settings.HOST_DOWN_SECONDS)


class Host(models.Model):
    """``id`` is also the id of its hypervisor and of its compute service in the API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(unique=True, help_text="The ID in microversions below 2.53.")
    name = models.CharField(max_length=255, unique=True)
    zone = models.CharField(max_length=255, default="nova")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=255, blank=True)
    forced_down = models.BooleanField(default=False)
    forced_down_at = models.DateTimeField(null=True, blank=True)
    draining_since = models.DateTimeField(
        null=True, blank=True, help_text="Its servers are moved to other hosts, a few at a time, since then."
    )
    evacuating_since = models.DateTimeField(
        null=True, blank=True, help_text="It is dead, and its servers are made again elsewhere, since then."
    )
    evacuates_all = models.BooleanField(
        default=False, help_text="All of its servers; otherwise those that are to restart elsewhere by themselves."
    )
    heartbeat_at = models.DateTimeField(default=timezone.now)
    heard_since = models.DateTimeField(default=timezone.now)
    registered_at = models.DateTimeField(default=timezone.now)

    address = models.GenericIPAddressField(default="127.0.0.1")
    agent_url = models.CharField(max_length=255, blank=True)
    hypervisor_type = models.CharField(max_length=64)
    hypervisor_version = models.BigIntegerField(default=0)
    virt_type = models.CharField(max_length=32, blank=True)
    arch = models.CharField(max_length=32, default="x86_64")
    cpu_info = models.JSONField(default=dict, blank=True)
    topology = models.JSONField(
        default=dict, blank=True, help_text="Dedicated and shared CPUs, and NUMA cells: apps/scheduling/topologies.py."
    )
    traits = ArrayField(models.CharField(max_length=255), default=list, blank=True, help_text="Reported by the agent.")
    custom_traits = ArrayField(
        models.CharField(max_length=255), default=list, blank=True, help_text="CUSTOM_* names, set by operators."
    )
    wanted_images = ArrayField(
        models.UUIDField(), default=list, blank=True, help_text="To be fetched into its cache before a server asks."
    )
    failed_builds = models.PositiveIntegerField(default=0, help_text="Consecutive failed builds on this host.")
    running_servers = models.PositiveIntegerField(default=0, help_text="Domains counted by the agent.")
    uptime = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_up(self) -> bool:
        """Return whether its agent sent a heartbeat within ``HOST_DOWN_SECONDS``."""
        return not self.forced_down and self.heartbeat_at >= alive_since()

    @property
    def is_back(self) -> bool:
        """Return whether it was heard since an operator declared it dead: then its guests may run there."""
        return self.forced_down and self.forced_down_at is not None and self.heartbeat_at > self.forced_down_at
