"""QoS policies and their rules: limits and marks of traffic."""

import uuid

from django.db import models

from apps.networking import states
from apps.networking.models.base import SharedResource


class QosPolicy(SharedResource):
    """``is_default``: the project's new networks get it."""

    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name = "QoS policy"
        verbose_name_plural = "QoS policies"
        constraints = [
            models.UniqueConstraint(
                fields=["project_id"], condition=models.Q(is_default=True), name="qos_policy_one_default_per_project"
            ),
        ]


class QosRule(models.Model):
    """One rule of a kind for a direction. ``max_burst_kbps`` is in kbit; 0 leaves it to the engine."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    policy = models.ForeignKey(QosPolicy, on_delete=models.CASCADE, related_name="rules", db_index=False)
    kind = models.CharField(max_length=32)
    direction = models.CharField(max_length=8, default=states.EGRESS)
    max_kbps = models.PositiveIntegerField(null=True, blank=True)
    max_burst_kbps = models.PositiveIntegerField(default=0)
    dscp_mark = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = "QoS rule"
        constraints = [
            models.UniqueConstraint(fields=["policy", "kind", "direction"], name="qos_rule_once_per_direction"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.direction}"
