"""Which endpoints a project's catalog shows: named filters, and projects bound to them or to single endpoints."""

from django.db import models

from apps.identity.states import new_id


class EndpointGroup(models.Model):
    """``filters`` may name ``service_id``, ``region_id`` and ``interface``: the group is the endpoints with those."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.TextField(default="", blank=True)
    filters = models.JSONField(default=dict)
    projects = models.ManyToManyField("identity.Project", related_name="endpoint_groups", blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ProjectEndpoint(models.Model):
    """A project that was given a single endpoint."""

    project = models.ForeignKey("identity.Project", models.CASCADE, related_name="project_endpoints")
    endpoint = models.ForeignKey("identity.Endpoint", models.CASCADE, related_name="project_endpoints")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("project", "endpoint"), name="project_endpoint")]

    def __str__(self) -> str:
        return f"{self.project_id} {self.endpoint_id}"
