"""Ports and their addresses: bindings are the services' own."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common.addresses import is_address, is_beginning
from apps.common.admin import Page, ReadOnlyAdmin, filters, panels
from apps.networking.models import FixedIP, Port


@admin.register(Port)
class PortAdmin(Page):
    list_display = ("id", "name", "status", "network", "addresses", "mac_address", "host", "device_id", "preserved")
    list_filter = (filters.text("status"), filters.text("host"), filters.text("device_owner", "owner"), "preserved")
    search_fields = ("id", "name", "mac_address", "device_id", "project_id")
    search_help_text = "Id, name, MAC, address, device or project"
    list_select_related = ("network",)
    ordering = ("-created_at", "id")
    collapsed = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Port]:
        return Port.objects.select_related("network").prefetch_related("fixed_ips")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Port], search_term: str
    ) -> tuple[QuerySet[Port], bool]:
        if is_address(search_term.strip()):
            return queryset.filter(fixed_ips__ip_address=search_term.strip()), False
        matches, doubled = super().get_search_results(request, queryset, search_term)
        if is_beginning(search_term.strip()):  # a MAC begins alike
            fixed = FixedIP.objects.filter(ip_address__startswith=search_term.strip().lower())
            matches = matches | queryset.filter(id__in=fixed.values("port_id"))
        return matches, doubled

    def panels(self, request: HttpRequest, row: Port) -> list[panels.Panel]:
        addresses = [
            [
                item.ip_address,
                {"text": item.subnet.cidr, "href": reverse("admin:networking_subnet_change", args=[item.subnet_id])},
            ]
            for item in row.fixed_ips.select_related("subnet")
        ]
        groups = [
            [{"text": str(item), "href": reverse("admin:networking_securitygroup_change", args=[item.pk])}]
            for item in row.security_groups.all()
        ]
        return [
            panels.table("Addresses", ["address", "subnet"], addresses),
            panels.table("Security groups", ["name"], groups),
            *super().panels(request, row),
        ]

    @display(description="addresses")
    def addresses(self, port: Port) -> str:
        return ", ".join(fixed.ip_address for fixed in port.fixed_ips.all())


@admin.register(FixedIP)
class FixedIPAdmin(ReadOnlyAdmin):
    list_display = ("ip_address", "subnet", "port")
    list_filter = (filters.text("subnet", "subnet's range", column="subnet__cidr"),)
    search_fields = ("ip_address", "port__id", "port__device_id")
    list_select_related = ("subnet", "port")
