"""Tally: a count of rare events since the cloud began, which metrics show as a counter."""

from django.db import models


class Tally(models.Model):
    name = models.CharField(max_length=64)
    label = models.CharField(max_length=64, blank=True)
    value = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [models.UniqueConstraint(fields=["name", "label"], name="one_tally_per_label")]

    def __str__(self) -> str:
        return f"{self.name} {self.label}: {self.value}"
