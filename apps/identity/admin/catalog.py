"""Regions, services, endpoints, and the limits that are registered for them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common.admin import ReadOnlyAdmin, filters
from apps.identity import models
from apps.identity.admin.inlines import EndpointInline


@admin.register(models.Region)
class RegionAdmin(ReadOnlyAdmin):
    list_display = ("id", "parent", "description")
    search_fields = ("id", "description")
    list_select_related = ("parent",)


@admin.register(models.Service)
class ServiceAdmin(ReadOnlyAdmin):
    list_display = ("type", "name", "enabled", "description", "id")
    list_filter = ("enabled",)
    search_fields = ("type", "name", "id")
    inlines = (EndpointInline,)


@admin.register(models.Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("service", "interface", "region", "url", "enabled")
    list_filter = ("enabled", filters.text("interface"))
    search_fields = ("url", "id", "service__type")
    list_select_related = ("service", "region")


@admin.register(models.RegisteredLimit)
class RegisteredLimitAdmin(ReadOnlyAdmin):
    list_display = ("resource_name", "service", "region", "default_limit")
    search_fields = ("resource_name", "service__type")
    list_select_related = ("region",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch services apart: joined with its service, a limit that outlived that would be left out."""
        return super().get_queryset(request).prefetch_related("service")


@admin.register(models.Limit)
class LimitAdmin(ReadOnlyAdmin):
    list_display = ("registered_limit", "project", "domain", "resource_limit")
    search_fields = ("registered_limit__resource_name", "project__name", "domain__name")
    list_select_related = ("registered_limit", "project", "domain")
