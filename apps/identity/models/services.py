"""Services of the catalog."""

from django.db import models

from apps.identity.states import new_id


class Service(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    type = models.CharField(max_length=255)
    name = models.CharField(max_length=255, default="", blank=True)
    description = models.TextField(default="", blank=True)
    enabled = models.BooleanField(default=True)
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("type", "id")

    def __str__(self) -> str:
        return f"{self.type} ({self.name})"
