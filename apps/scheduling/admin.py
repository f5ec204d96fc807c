"""Hosts, what they have and what is claimed of it. Operators may put a host out of service; the rest agents report."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.common.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.scheduling.models import Allocation, Host, Inventory


class InventoryInline(ReadOnlyInline):
    model = Inventory


@admin.register(Host)
class HostAdmin(ModelAdmin):
    list_display = (
        "name",
        "zone",
        "up",
        "enabled",
        "forced_down",
        "vcpus",
        "ram",
        "disk",
        "servers",
        "hypervisor_type",
        "virt_type",
        "heartbeat_at",
    )
    list_filter = ("enabled", "forced_down", "zone", "hypervisor_type", "virt_type", "arch")
    search_fields = ("name", "id", "address")
    list_select_related = ("inventory",)
    list_per_page = 50
    inlines = (InventoryInline,)
    operated = ("zone", "enabled", "disabled_reason", "forced_down")

    def get_readonly_fields(self, request: HttpRequest, obj: Host | None = None) -> list[str]:
        return [field.name for field in Host._meta.fields if field.name not in self.operated]

    def save_model(self, request: HttpRequest, obj: Host, form: Any, change: bool) -> None:
        """Write only what was changed here: the agent writes its own columns meanwhile."""
        obj.save(update_fields=[name for name in form.changed_data if name in self.operated])

    def has_add_permission(self, request: HttpRequest, obj: Host | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Host | None = None) -> bool:
        return False

    @admin.display(boolean=True, ordering="heartbeat_at")
    def up(self, host: Host) -> bool:
        return host.is_up

    @admin.display(description="vCPUs used", ordering="inventory__vcpus_used")
    def vcpus(self, host: Host) -> str:
        return f"{host.inventory.vcpus_used} / {host.inventory.vcpus}"

    @admin.display(description="RAM used (MiB)", ordering="inventory__ram_used")
    def ram(self, host: Host) -> str:
        return f"{host.inventory.ram_used} / {host.inventory.ram_mib}"

    @admin.display(description="disk used (GiB)", ordering="inventory__disk_used")
    def disk(self, host: Host) -> str:
        return f"{host.inventory.disk_used} / {host.inventory.disk_gib}"

    @admin.display(ordering="inventory__servers")
    def servers(self, host: Host) -> int:
        return host.inventory.servers


@admin.register(Inventory)
class InventoryAdmin(ReadOnlyAdmin):
    list_display = ("host", "vcpus", "vcpus_used", "ram_mib", "ram_used", "disk_gib", "disk_used", "servers")
    list_select_related = ("host",)
    search_fields = ("host__name",)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("consumer_id", "host", "vcpus", "ram_mib", "disk_gib", "created_at")
    list_filter = ("host",)
    list_select_related = ("host",)
    search_fields = ("consumer_id", "host__name")
    date_hierarchy = "created_at"
