"""Groups of volumes, their types and snapshots."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin, filters
from apps.volumes.models import Group, GroupSnapshot, GroupType


@admin.register(GroupType)
class GroupTypeAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_public", "group_specs", "created_at", "id")
    search_fields = ("name", "id")


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "group_type", "status", "is_deleting", "project_id", "created_at", "id")
    list_filter = (filters.text("project_id", "project's id"),)
    search_fields = ("name", "id", "project_id")
    list_select_related = ("group_type",)


@admin.register(GroupSnapshot)
class GroupSnapshotAdmin(ReadOnlyAdmin):
    list_display = ("name", "group", "status", "is_deleting", "project_id", "created_at", "id")
    list_filter = (filters.text("project_id", "project's id"),)
    search_fields = ("name", "id", "project_id")
    list_select_related = ("group",)
