"""Stamp: a value that is another one whenever what it stands for has changed. Triggers write it (migration 0003)."""

import uuid

from django.db import models

HOSTS = "hosts"  # what hosts are, their traits, and their aggregates; not how full they are or whether they live


class Stamp(models.Model):
    name = models.CharField(max_length=32, primary_key=True)
    value = models.UUIDField(default=uuid.uuid4)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
