"""Reservation: a promise to a run, settled when it ends."""

import uuid

from django.db import models


class Reservation(models.Model):
    """``consumer_id`` is the ID of the server that gets the resource."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_id = models.CharField(max_length=64)
    resource = models.CharField(max_length=64)
    delta = models.BigIntegerField()
    consumer_id = models.UUIDField(db_index=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.resource} {self.delta:+d}"
