"""Stamp: a value that changes with the rows that it stands for. Triggers write it (migration 0003)."""

import uuid

from django.db import models

HOSTS = "hosts"  # hosts' attributes, traits and aggregates; not their usage or heartbeats


class Stamp(models.Model):
    name = models.CharField(max_length=32, primary_key=True)
    value = models.UUIDField(default=uuid.uuid4)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
