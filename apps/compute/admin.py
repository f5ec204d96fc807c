"""Servers, flavors and key pairs for operators. The API writes them; user data and injected files are not shown."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.compute.models import BlockDevice, Flavor, FlavorAccess, KeyPair, Server
from apps.compute.selectors.servers import HEAVY


class DeletedFilter(admin.SimpleListFilter):
    """Deleted servers keep their rows: they are shown when asked for."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Deleted"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Server]) -> QuerySet[Server]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class BlockDeviceInline(ReadOnlyInline):
    model = BlockDevice
    fields = ("kind", "position", "size", "device", "tag")


@admin.register(Server)
class ServerAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "vm_state", "task_state", "host", "zone", "size", "project_id", "created_at")
    list_filter = (DeletedFilter, "vm_state", "task_state", "zone", "host", "locked")
    search_fields = ("name", "id", "project_id", "user_id", "host", "reservation_id")
    date_hierarchy = "created_at"
    exclude = ("user_data", "personality")
    inlines = (BlockDeviceInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        rows: QuerySet[Server] = super().get_queryset(request)
        one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows.defer("user_data", "personality") if one else rows.defer(*HEAVY)

    @admin.display(description="flavor")
    def size(self, server: Server) -> str:
        return str(server.flavor.get("original_name", ""))


@admin.register(BlockDevice)
class BlockDeviceAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "position", "size", "device", "server_name")
    list_filter = ("kind",)
    search_fields = ("id", "server__id", "server__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockDevice]:
        rows: QuerySet[BlockDevice] = super().get_queryset(request)
        return rows.select_related("server").only("id", "kind", "position", "size", "device", "tag", "server__name")

    @admin.display(description="server", ordering="server__name")
    def server_name(self, device: BlockDevice) -> str:
        return f"{device.server.name} ({device.server_id})"


class FlavorAccessInline(ReadOnlyInline):
    model = FlavorAccess
    fields = ("project_id",)


@admin.register(Flavor)
class FlavorAdmin(ReadOnlyAdmin):
    list_display = ("name", "flavor_id", "vcpus", "ram_mib", "disk_gib", "swap_mib", "is_public", "disabled")
    list_filter = ("is_public", "disabled", "vcpus")
    search_fields = ("name", "flavor_id", "description")
    inlines = (FlavorAccessInline,)


@admin.register(FlavorAccess)
class FlavorAccessAdmin(ReadOnlyAdmin):
    list_display = ("flavor", "project_id")
    list_select_related = ("flavor",)
    search_fields = ("flavor__name", "flavor__flavor_id", "project_id")


@admin.register(KeyPair)
class KeyPairAdmin(ReadOnlyAdmin):
    list_display = ("name", "type", "fingerprint", "user_id", "created_at")
    list_filter = ("type",)
    search_fields = ("name", "fingerprint", "user_id")
    date_hierarchy = "created_at"
