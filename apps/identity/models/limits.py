"""Unified limits: defaults by service and region, and overrides of projects and domains."""

from django.db import models
from django.db.models import Q

from apps.identity.states import new_id


class RegisteredLimit(models.Model):
    """A default. As in Keystone it outlives the service and the region that it names, until somebody deletes it."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    service = models.ForeignKey("identity.Service", models.DO_NOTHING, db_constraint=False, related_name="+")
    region = models.ForeignKey(
        "identity.Region", models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="+"
    )
    resource_name = models.CharField(max_length=255)
    default_limit = models.IntegerField()
    description = models.TextField(default="", blank=True)

    class Meta:
        ordering = ("resource_name", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["service", "region", "resource_name"], name="registered_limit_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.resource_name


class Limit(models.Model):
    """Of a project or of a domain, never of both. The registered limit stays as long as this row does."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    registered_limit = models.ForeignKey(RegisteredLimit, models.PROTECT, related_name="limits")
    project = models.ForeignKey("identity.Project", models.CASCADE, null=True, blank=True, related_name="limits")
    domain = models.ForeignKey("identity.Domain", models.CASCADE, null=True, blank=True, related_name="domain_limits")
    resource_limit = models.IntegerField()
    description = models.TextField(default="", blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["registered_limit", "project", "domain"], name="limit_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="limit_has_one_owner",
                condition=Q(project__isnull=False, domain=None) | Q(project=None, domain__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_limit_id}: {self.resource_limit}"
