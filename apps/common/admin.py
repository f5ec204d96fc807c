"""The base of admin pages for rows that services own: looked at, searched, never written."""

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline


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
