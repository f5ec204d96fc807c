"""Columns of every resource of the network service (Neutron's "standard attributes")."""

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Lookup
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


@ArrayField.register_lookup
class Has(Lookup):
    """``column__has=value``: the array has the value. Unlike ``contains`` it takes a plain value as its parameter."""

    lookup_name = "has"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, before = self.process_lhs(compiler, connection)
        value, parameters = self.process_rhs(compiler, connection)
        return f"{value} = ANY({column})", (*parameters, *before)


class SharedResource(Resource):
    """A resource that other projects may use: all of them (``shared``), or those of ``shared_with``.

    Both columns follow the RBAC policies of the resource; ``services/rbac_policies.py`` writes them.
    """

    shared = models.BooleanField(default=False)
    shared_with = ArrayField(models.CharField(max_length=64), default=list, blank=True)

    class Meta:
        abstract = True
