"""Allocations of servers on hosts."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin, filters
from apps.scheduling.models import Allocation, Inventory


@admin.register(Inventory)
class InventoryAdmin(ReadOnlyAdmin):
    list_display = ("host", "vcpus", "vcpus_used", "ram_mib", "ram_used", "disk_gib", "disk_used", "servers")
    list_select_related = ("host",)
    search_fields = ("host__name",)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("consumer_id", "host", "vcpus", "ram_mib", "disk_gib", "created_at")
    list_filter = (filters.text("host", column="host__name"),)
    list_select_related = ("host",)
    search_fields = ("consumer_id", "host__name")
