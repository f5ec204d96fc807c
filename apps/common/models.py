"""The cloud's own ID, and the audit trail: one row per event, in the terms of CADF (DMTF DSP0262)."""

import uuid

from django.db import models


class AuditEvent(models.Model):
    """Who did what to which object, from where, under which request, and whether it worked. Rows never change."""

    class Outcome(models.TextChoices):
        SUCCESS = "success"
        FAILURE = "failure"

    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.SUCCESS)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=255, blank=True)
    user_id = models.CharField(max_length=64, blank=True)
    user_name = models.CharField(max_length=255, blank=True)
    project_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["target_id", "-id"], name="audit_by_target"),
            models.Index(fields=["user_id", "-id"], name="audit_by_user"),
            models.Index(fields=["project_id", "-id"], name="audit_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}: {self.outcome}"


class Cloud(models.Model):
    """The one row by which the cloud knows what is its own where other clouds may be, too: in a pool of a cluster."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_cloud"),)

    def __str__(self) -> str:
        return str(self.uuid)
