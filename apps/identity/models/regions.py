"""Regions of the catalog, a tree."""

from django.db import models

from apps.identity.states import new_id


class Region(models.Model):
    """The id is the region's name, chosen by who creates it."""

    id = models.CharField(primary_key=True, max_length=255, default=new_id)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    description = models.TextField(default="", blank=True)
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.id
