"""Roles, and who has which on what."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin, filters
from apps.identity import models
from apps.identity.admin.inlines import ImpliedRoleInline


@admin.register(models.Role)
class RoleAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "description", "id")
    list_filter = (filters.text("domain", column="domain__name"),)
    search_fields = ("name", "id")
    list_select_related = ("domain",)
    inlines = (ImpliedRoleInline,)


@admin.register(models.RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("role", "user", "group", "project", "domain", "system", "inherited")
    list_filter = (filters.text("role", column="role__name"), "system", "inherited")
    search_fields = ("user__name", "group__name", "project__name", "domain__name", "role__name")
    list_select_related = ("role", "user", "group", "project", "domain")
