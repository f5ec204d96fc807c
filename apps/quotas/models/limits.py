"""Limit: how much of a resource an owner may have. Without a row the default in the settings holds."""

from django.db import models


class Limit(models.Model):
    """``owner_id`` is a project (or a user, for key pairs); "default" replaces the settings. -1 is unlimited."""

    owner_id = models.CharField(max_length=64)
    resource = models.CharField(max_length=64)
    value = models.IntegerField()

    class Meta:
        ordering = ["owner_id", "resource"]
        constraints = [models.UniqueConstraint(fields=["owner_id", "resource"], name="one_limit_per_resource")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.resource}: {self.value}"
