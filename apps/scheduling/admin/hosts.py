"""Hosts: usage, heartbeats, waiting steps. Agents report, services change."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import Page, cells, filters, panels
from apps.scheduling.admin import health
from apps.scheduling.models import Host
from apps.scheduling.models.hosts import alive_since
from apps.scheduling.selectors import utilisation
from apps.workflow.admin import queues


class StateFilter(admin.SimpleListFilter):
    """Up, down or disabled, as the scheduler sees it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("up", "Up"), ("down", "Down"), ("disabled", "Disabled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Host]) -> QuerySet[Host]:
        if self.value() == "disabled":
            return queryset.filter(enabled=False)
        alive = {"forced_down": False, "heartbeat_at__gte": alive_since()}
        if self.value() == "up":
            return queryset.filter(**alive)
        return queryset.exclude(**alive) if self.value() == "down" else queryset


@admin.register(Host)
class HostAdmin(Page):
    list_display = ("name", "shown_state", "zone", "use", "servers", "agent", "reason")
    list_filter = (StateFilter, filters.text("zone"), filters.text("arch"))
    search_fields = ("name", "id", "address")
    list_select_related = ("inventory",)
    collapsed = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Host]:
        rows: QuerySet[Host] = super().get_queryset(request)
        is_item = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows.select_related("inventory") if is_item else rows.defer("cpu_info", "traits")

    def panels(self, request: HttpRequest, row: Host) -> list[panels.Panel]:
        return [
            health.panel_of(row),
            _use(row),
            queues.panel_of_host(row.name),
            *super().panels(request, row),
            _aggregates(row),
        ]

    def audited(self, row: Host) -> tuple[str, object]:
        return "host", row.name

    @display(description="state", ordering="enabled", label={"up": "success", "down": "danger", "disabled": "warning"})
    def shown_state(self, host: Host) -> str:
        return health.state_of(host)

    @display(description="use", ordering="inventory__ram_used")
    def use(self, host: Host) -> SafeString:
        return render_to_string("admin/panels/use.html", {"uses": utilisation.uses(host.inventory)})

    @display(ordering="inventory__servers")
    def servers(self, host: Host) -> int:
        return int(host.inventory.servers)

    @display(description="heartbeat", ordering="heartbeat_at")
    def agent(self, host: Host) -> SafeString | str:
        return cells.ago(host.heartbeat_at)

    @display(description="reason", ordering="disabled_reason")
    def reason(self, host: Host) -> SafeString:
        return cells.cut(host.disabled_reason)


def _use(host: Host) -> panels.Panel:
    values = {"uses": utilisation.uses(host.inventory)}
    note = f"Servers allocated here: {host.inventory.servers}. Figures include reserves and overcommit ratios."
    return panels.Panel(title="Utilisation", template="admin/panels/bars.html", values=values, note=note)


def _aggregates(host: Host) -> panels.Panel:
    rows = [
        [
            {"text": aggregate.name, "href": reverse("admin:scheduling_aggregate_change", args=[aggregate.pk])},
            aggregate.availability_zone,
        ]
        for aggregate in host.aggregates.all()
    ]
    return panels.table("Aggregates", ["name", "zone"], rows)
