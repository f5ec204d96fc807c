"""Roles and their implications."""

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
