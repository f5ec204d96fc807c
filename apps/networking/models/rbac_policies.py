"""RBAC policies: which other projects may use a resource."""

import uuid

from django.db import models
from django.utils import timezone


class RbacPolicy(models.Model):
    """``project_id`` owns the policy. ``target_project`` "*" is everybody.

    ``object_id`` refers to a row of the table that ``object_type`` names; the policy is deleted with the row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64, db_index=True)
    object_type = models.CharField(max_length=32)
    object_id = models.UUIDField()
    action = models.CharField(max_length=32)
    target_project = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "RBAC policy"
        verbose_name_plural = "RBAC policies"
        constraints = [
            models.UniqueConstraint(fields=["object_id", "action", "target_project"], name="rbac_policy_once"),
        ]

    def __str__(self) -> str:
        return f"{self.action} to {self.object_type} {self.object_id} for {self.target_project}"
