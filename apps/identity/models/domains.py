"""Domains: the project rows that are roots."""

from typing import Any

from django.db import models

from apps.identity.models.projects import Project


class DomainQuerySet(models.QuerySet["Domain"]):
    def create(self, **values: Any) -> "Domain":
        return super().create(**{**values, "is_domain": True})


class DomainManager(models.Manager["Domain"]):
    def get_queryset(self) -> DomainQuerySet:
        return DomainQuerySet(self.model, using=self._db).filter(is_domain=True)


class Domain(Project):
    objects = DomainManager()  # type: ignore[misc]

    class Meta:
        proxy = True
