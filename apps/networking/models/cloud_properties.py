"""Properties of the cloud that every host has to agree on."""

from django.db import models


class CloudProperty(models.Model):
    """One property: its name, and its value in the words of the setting that it comes from."""

    name = models.CharField(max_length=64, primary_key=True)
    value = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "cloud properties"

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
