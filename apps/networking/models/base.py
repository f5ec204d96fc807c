"""Columns of every resource of the network service (Neutron's "standard attributes")."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class Resource(models.Model):
    """``project_id`` is the owner; ``revision_number`` grows with every change through the API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=255, blank=True, default="")
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    revision_number = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name or str(self.id)


class SharedResource(Resource):
    """A resource that other projects may use: all of them (``shared``), or those of ``shared_with``.

    Both columns follow the RBAC policies of the resource (``services/rbac_policies.py``); nothing else writes them.
    """

    shared = models.BooleanField(default=False)
    shared_with = ArrayField(models.CharField(max_length=64), default=list, blank=True)

    class Meta:
        abstract = True
