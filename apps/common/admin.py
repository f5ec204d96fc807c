"""The base of admin pages for rows that services own: looked at, searched, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from apps.common.models import AuditEvent


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    """A page without the count of all rows: that alone would read the whole table."""

    list_per_page = 50
    show_full_result_count = False


class ReadOnlyInline(_ReadOnly, TabularInline):  # type: ignore[misc]
    extra = 0
    can_delete = False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """What was done in the cloud, newest first."""

    list_display = ("at", "action", "target_type", "target_id", "outcome", "user_name", "project_id", "address")
    list_filter = ("outcome", "target_type", "action", "at")
    search_fields = ("target_id", "user_id", "user_name", "project_id", "address", "request_id")
    show_facets = admin.ShowFacets.NEVER
