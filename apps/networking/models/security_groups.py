"""Security groups: named sets of rules."""

from django.db import models

from apps.networking.models.base import SharedResource


class SecurityGroup(SharedResource):
    """Its rules guard its ports where a network engine programs them; bridges of hosts enforce none."""

    stateful = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project_id"], condition=models.Q(name="default"), name="security_group_one_default_per_project"
            ),
        ]
