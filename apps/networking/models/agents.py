"""What operators note about the network agents of hosts; the agents themselves follow from the hosts."""

import uuid

from django.db import models


class AgentNote(models.Model):
    """``id`` is the agent's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    description = models.CharField(max_length=255, blank=True, default="")

    def __str__(self) -> str:
        return str(self.id)
