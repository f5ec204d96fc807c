"""Images for operators. What services own is read-only: bits and rows must agree."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from apps.images.models import Image, Member


class ReadOnly:
    """Looked at here, changed through the API."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MemberInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Member
    extra = 0


@admin.register(Image)
class ImageAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "id", "status", "visibility", "disk_format", "megabytes", "project_id", "created_at")
    list_filter = ("status", "visibility", "disk_format", "os_hidden", "protected")
    search_fields = ("name", "id", "project_id", "os_hash_value", "checksum")
    date_hierarchy = "created_at"
    inlines = (MemberInline,)

    @admin.display(description="MiB", ordering="size")
    def megabytes(self, image: Image) -> str:
        return "" if image.size is None else f"{image.size / 2**20:.1f}"


@admin.register(Member)
class MemberAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("member_id", "image", "status", "created_at", "updated_at")
    list_filter = ("status",)
    search_fields = ("member_id", "image__name", "image__id")
    list_select_related = ("image",)
