"""Usage: how much of a resource an owner has, and how much is reserved for active runs."""

from django.db import models


class Usage(models.Model):
    owner_id = models.CharField(max_length=64)
    resource = models.CharField(max_length=64)
    in_use = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["owner_id", "resource"]
        constraints = [
            models.UniqueConstraint(fields=["owner_id", "resource"], name="one_usage_per_resource"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="reserved_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.resource}: {self.in_use}+{self.reserved}"
