"""ServerGroup: servers that belong together, or apart."""

import uuid

from django.db import models
from django.utils import timezone

from apps.compute import states


class ServerGroup(models.Model):
    """A project's policy for where the members of a group may be.

    Its members are the servers that name it (``Server.group``): a deleted server is no member any more. ``rules`` has
    ``max_server_per_host`` or nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    policy = models.CharField(max_length=32, choices=[(policy, policy) for policy in states.GROUP_POLICIES])
    rules = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["project_id", "created_at", "id"], name="server_group_by_project")]

    def __str__(self) -> str:
        return f"{self.name} ({self.policy})"
