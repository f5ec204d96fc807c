"""Metadata definitions: meanings of properties of images, flavors and servers, for forms such as Horizon's."""

import uuid

from django.db import models
from django.utils import timezone

from apps.images import states


class Namespace(models.Model):
    """A set of definitions. ``project_id`` is the owner; private ones are seen by its project alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    namespace = models.CharField(max_length=80, unique=True)
    display_name = models.CharField(max_length=80, null=True, blank=True)
    description = models.CharField(max_length=500, null=True, blank=True)
    visibility = models.CharField(max_length=16, default=states.PRIVATE)
    protected = models.BooleanField(default=False)
    project_id = models.CharField("owner", max_length=64, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "metadata namespace"

    def __str__(self) -> str:
        return self.namespace


class Definition(models.Model):
    """An object, a property or a tag of a namespace; ``document`` is a JSON schema, as Glance shows it."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="definitions", db_index=False)
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=80)
    document = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "metadata definition"
        constraints = [models.UniqueConstraint(fields=["namespace", "kind", "name"], name="metadef_once")]

    def __str__(self) -> str:
        return self.name


class Association(models.Model):
    """A kind of resource that a namespace is about. ``prefix`` is put before its properties' names."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="associations", db_index=False)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=80, null=True, blank=True)
    properties_target = models.CharField(max_length=80, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "metadata association"
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="metadef_association_once")]

    def __str__(self) -> str:
        return self.name
