"""Endpoints: where a service answers."""

from django.db import models

from apps.identity.states import Interface, new_id


class Endpoint(models.Model):
    """``url`` may hold ``$(project_id)s``, ``$(tenant_id)s`` and ``$(user_id)s`` (or with %), nothing else."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    service = models.ForeignKey("identity.Service", models.CASCADE, related_name="endpoints")
    region = models.ForeignKey("identity.Region", models.PROTECT, null=True, blank=True, related_name="endpoints")
    interface = models.CharField(max_length=8, choices=[(i.value, i.value) for i in Interface])
    url = models.CharField(max_length=2048)
    name = models.CharField(max_length=255, default="", blank=True)
    enabled = models.BooleanField(default=True)
    extra = models.JSONField(default=dict, blank=True)
    # The ``url`` that bootstrap wrote; empty for rows that an operator made. Where the two differ, somebody edited it.
    bootstrap_url = models.CharField(max_length=2048, default="", db_default="", editable=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.interface} {self.url}"
