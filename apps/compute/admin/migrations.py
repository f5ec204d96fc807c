"""Migrations of servers, as they were made."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin, filters
from apps.compute.models import Migration


@admin.register(Migration)
class MigrationAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "status", "server_id", "source", "destination", "created_at", "updated_at")
    list_filter = ("type", "status", filters.text("source"), filters.text("destination"))
    search_fields = ("server__id", "uuid", "source", "destination")
