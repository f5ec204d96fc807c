"""Floating IPs: the services' own, shown read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.common.addresses import is_beginning
from apps.common.admin import Page, filters, panels
from apps.networking.models import FloatingIP


@admin.register(FloatingIP)
class FloatingIPAdmin(Page):
    list_display = ("floating_ip_address", "status", "fixed_ip_address", "floating_network", "router", "project_id")
    list_filter = (filters.text("status"),)
    search_fields = ("id", "project_id", "fixed_port__id", "fixed_port__device_id")
    search_help_text = "Address, id, port, server or project"
    list_select_related = ("floating_network", "router")
    ordering = ("-created_at", "id")
    collapsed = True

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[FloatingIP], search_term: str
    ) -> tuple[QuerySet[FloatingIP], bool]:
        text = search_term.strip()
        if is_beginning(text):
            outside = queryset.filter(floating_ip_address__startswith=text.lower())
            return outside | queryset.filter(fixed_ip_address__startswith=text.lower()), False
        return super().get_search_results(request, queryset, search_term)

    def panels(self, request: HttpRequest, row: FloatingIP) -> list[panels.Panel]:
        port = row.fixed_port
        ways = [["network", _link("networking_network", row.floating_network_id, row.floating_network)]]
        if port is not None:
            ways.append(["port", _link("networking_port", port.pk, port)])
            ways.append(["router", _link("networking_router", row.router_id, row.router)])
            if port.bound:
                ways.append(["server", _link("compute_server", port.device_id, port.device_id)])
        return [panels.table("Leads to", ["what", "which"], ways), *super().panels(request, row)]


def _link(model: str, key: object, text: object) -> dict[str, str]:
    return {"text": str(text), "href": reverse(f"admin:{model}_change", args=[key])}
