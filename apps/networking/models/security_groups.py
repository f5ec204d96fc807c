"""Security groups: named sets of rules."""

from django.db import models

from apps.networking.models.base import Resource


class SecurityGroup(Resource):
    """Rows only so far: the rules are kept and shown, and not yet enforced on the hosts."""

    stateful = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project_id"], condition=models.Q(name="default"), name="security_group_one_default_per_project"
            ),
        ]
