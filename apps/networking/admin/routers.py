"""Routers and their interfaces: the services' own, shown read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common.addresses import is_address
from apps.common.admin import Page, ReadOnlyAdmin, panels
from apps.networking.models import Router, RouterInterface


@admin.register(Router)
class RouterAdmin(Page):
    list_display = ("id", "name", "gateway", "enable_snat", "admin_state_up", "project_id")
    list_filter = ("enable_snat", "admin_state_up")
    search_fields = ("id", "name", "project_id")
    search_help_text = "Id, name, address or project"
    ordering = ("-created_at", "id")
    collapsed = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Router]:
        return Router.objects.select_related("gateway_port__network").prefetch_related("gateway_port__fixed_ips")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Router], search_term: str
    ) -> tuple[QuerySet[Router], bool]:
        ip = search_term.strip()
        if is_address(ip):
            inside = RouterInterface.objects.filter(port__fixed_ips__ip_address=ip).values("router_id")
            return queryset.filter(gateway_port__fixed_ips__ip_address=ip) | queryset.filter(id__in=inside), True
        return super().get_search_results(request, queryset, search_term)

    def panels(self, request: HttpRequest, row: Router) -> list[panels.Panel]:
        interfaces = [
            [
                {"text": str(item.port.network), "href": _page("network", item.port.network_id)},
                {"text": _addresses(item), "href": _page("port", item.port_id)},
            ]
            for item in _with_addresses(RouterInterface.objects.filter(router=row))
        ]
        leading = [
            [
                {"text": item.floating_ip_address, "href": _page("floatingip", item.pk)},
                {"text": item.fixed_ip_address, "href": _page("port", item.fixed_port_id)},
            ]
            for item in row.floating_ips.order_by("floating_ip_address")
        ]
        routes = [[route["destination"], route["nexthop"]] for route in row.routes]
        return [
            panels.table("Interfaces", ["network", "addresses"], interfaces),
            panels.table("Floating IPs", ["address", "leads to"], leading),
            panels.table("Routes", ["destination", "next hop"], routes),
            *super().panels(request, row),
        ]

    @display(description="gateway")
    def gateway(self, router: Router) -> str:
        port = router.gateway_port
        if port is None:
            return ""
        return f"{port.network}: {', '.join(fixed.ip_address for fixed in port.fixed_ips.all())}"


@admin.register(RouterInterface)
class RouterInterfaceAdmin(ReadOnlyAdmin):
    list_display = ("router", "port", "network", "addresses")
    search_fields = ("router__id", "router__name", "port__id", "port__fixed_ips__ip_address")
    search_help_text = "Router, port or address"

    def get_queryset(self, request: HttpRequest) -> QuerySet[RouterInterface]:
        return _with_addresses(super().get_queryset(request)).select_related("router")

    @display(description="network")
    def network(self, item: RouterInterface) -> str:
        return str(item.port.network)

    @display(description="addresses")
    def addresses(self, item: RouterInterface) -> str:
        return _addresses(item)


def _with_addresses(rows: QuerySet[RouterInterface]) -> QuerySet[RouterInterface]:
    return rows.select_related("port__network").prefetch_related("port__fixed_ips")


def _addresses(item: RouterInterface) -> str:
    return ", ".join(fixed.ip_address for fixed in item.port.fixed_ips.all())


def _page(model: str, key: object) -> str:
    return reverse(f"admin:networking_{model}_change", args=[key])
