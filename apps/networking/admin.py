"""Networks for operators. Addresses and bindings are read-only: services own them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from apps.networking.models import FixedIP, Network, Port, PortSecurityGroup, SecurityGroup, SecurityGroupRule, Subnet


class ReadOnly:
    """Looked at here, changed through the API."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SubnetInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Subnet
    extra = 0
    fields = ("name", "cidr", "gateway_ip", "enable_dhcp", "allocation_pools")


@admin.register(Network)
class NetworkAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "id", "status", "shared", "external", "mtu", "bridge", "project_id", "created_at")
    list_filter = ("status", "shared", "external", "admin_state_up")
    search_fields = ("name", "id", "project_id")
    inlines = (SubnetInline,)


@admin.register(Subnet)
class SubnetAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "id", "network", "cidr", "gateway_ip", "enable_dhcp", "project_id")
    list_filter = ("ip_version", "enable_dhcp")
    search_fields = ("name", "id", "cidr", "network__name", "project_id")
    list_select_related = ("network",)


class FixedIPInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = FixedIP
    extra = 0


class PortSecurityGroupInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = PortSecurityGroup
    extra = 0


@admin.register(Port)
class PortAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("id", "name", "status", "network", "addresses", "mac_address", "host", "device_id", "preserved")
    list_filter = ("status", "host", "device_owner", "preserved", "network")
    search_fields = ("id", "name", "mac_address", "device_id", "fixed_ips__ip_address", "project_id")
    list_select_related = ("network",)
    inlines = (FixedIPInline, PortSecurityGroupInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Port]:
        return Port.objects.prefetch_related("fixed_ips")

    @admin.display(description="addresses")
    def addresses(self, port: Port) -> str:
        return ", ".join(fixed.ip_address for fixed in port.fixed_ips.all())


@admin.register(FixedIP)
class FixedIPAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("ip_address", "subnet", "port")
    list_filter = ("subnet",)
    search_fields = ("ip_address", "port__id", "port__device_id")
    list_select_related = ("subnet", "port")


class RuleInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = SecurityGroupRule
    fk_name = "security_group"
    extra = 0
    fields = (
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group",
    )


@admin.register(SecurityGroup)
class SecurityGroupAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "id", "stateful", "project_id", "created_at")
    list_filter = ("stateful",)
    search_fields = ("name", "id", "project_id")
    inlines = (RuleInline,)


@admin.register(SecurityGroupRule)
class SecurityGroupRuleAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = (
        "id",
        "security_group",
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
    )
    list_filter = ("direction", "ethertype", "protocol")
    search_fields = ("id", "security_group__name", "security_group__id", "project_id")
    list_select_related = ("security_group",)
