"""Hosts: how full they are, whether their agents live, what waits for them. Agents report, services change."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import Page, filters, panels
from apps.scheduling.models import Host
from apps.scheduling.selectors import utilisation
from apps.workflow.admin import queues


def state_of(host: Host) -> str:
    return "down" if not host.is_up else "up" if host.enabled else "disabled"


class StateFilter(admin.SimpleListFilter):
    """Up, down or disabled, as the scheduler sees it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("up", "Up"), ("down", "Down"), ("disabled", "Disabled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Host]) -> QuerySet[Host]:
        if self.value() == "disabled":
            return queryset.filter(enabled=False)
        alive = {"forced_down": False, "heartbeat_at__gte": utilisation.alive_since()}
        if self.value() == "up":
            return queryset.filter(**alive)
        return queryset.exclude(**alive) if self.value() == "down" else queryset


@admin.register(Host)
class HostAdmin(Page):
    list_display = ("name", "shown_state", "zone", "use", "servers", "agent", "disabled_reason", "hypervisor_type")
    list_filter = (StateFilter, filters.text("zone"), filters.text("arch"))
    search_fields = ("name", "id", "address")
    list_select_related = ("inventory",)
    collapsed = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Host]:
        rows: QuerySet[Host] = super().get_queryset(request)
        one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows.select_related("inventory") if one else rows.defer("cpu_info", "traits")

    def panels(self, request: HttpRequest, row: Host) -> list[panels.Panel]:
        return [
            _health(row),
            _use(row),
            queues.panel_of_host(row.name),
            *super().panels(request, row),
            _aggregates(row),
        ]

    @display(description="state", ordering="enabled", label={"up": "success", "down": "danger", "disabled": "warning"})
    def shown_state(self, host: Host) -> str:
        return state_of(host)

    @display(description="use", ordering="inventory__ram_used")
    def use(self, host: Host) -> SafeString:
        return render_to_string("admin/panels/use.html", {"uses": utilisation.uses(host.inventory)})

    @display(ordering="inventory__servers")
    def servers(self, host: Host) -> int:
        return int(host.inventory.servers)

    @display(description="agent heard", ordering="heartbeat_at")
    def agent(self, host: Host) -> str:
        return f"{_silent(host):.0f} s ago"


def _silent(host: Host) -> float:
    return max(0.0, (timezone.now() - host.heartbeat_at).total_seconds())


def _health(host: Host) -> panels.Panel:
    state = state_of(host)
    kind = {"up": "good", "down": "bad"}.get(state, "busy")
    pairs: list[tuple[str, Any]] = [
        ("state", {"text": state, "kind": kind}),
        ("takes new servers", "yes" if host.enabled and host.is_up else "no"),
        ("reason", host.disabled_reason),
        ("forced down", "yes" if host.forced_down else ""),
        ("last heartbeat", f"{_silent(host):.1f} s ago, at {host.heartbeat_at:%Y-%m-%d %H:%M:%S}"),
        ("agent", host.agent_url),
        ("address", host.address),
        ("zone", host.zone),
        ("hypervisor", f"{host.hypervisor_type} {host.virt_type} {host.arch}"),
        ("uptime", host.uptime),
        ("guests seen", host.running_servers),
        ("registered", f"{host.registered_at:%Y-%m-%d %H:%M:%S}"),
    ]
    return panels.facts("Agent", pairs)


def _use(host: Host) -> panels.Panel:
    values = {"uses": utilisation.uses(host.inventory)}
    note = f"{host.inventory.servers} servers have a claim here. Reserves and ratios are taken into account."
    return panels.Panel(title="Utilisation", template="admin/panels/bars.html", values=values, note=note)


def _aggregates(host: Host) -> panels.Panel:
    rows = [
        [{"text": one.name, "href": reverse("admin:scheduling_aggregate_change", args=[one.pk])}, one.availability_zone]
        for one in host.aggregates.all()
    ]
    return panels.table("Aggregates", ["name", "zone"], rows)
