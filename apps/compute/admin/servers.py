"""Servers: list, search and bulk actions; user data and injected files are not shown."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from apps.common.addresses import is_address, is_beginning
from apps.common.admin import Page, ReadOnlyAdmin, bulk, filters, panels, targets
from apps.compute import actions
from apps.compute.admin import server_operations, server_panels
from apps.compute.models import BlockDevice, Server
from apps.compute.selectors import servers as selectors
from apps.identity.selectors import names
from apps.networking.selectors import bindings
from apps.workflow.selectors import runs

assert server_operations  # registers the page's operations
targets.add_model("server", Server)
STATUSES = ("ACTIVE", "BUILD", "ERROR", "SHUTOFF", "PAUSED", "SUSPENDED", "REBOOT", "HARD_REBOOT")
LABELS = {
    "ACTIVE": "success", "ERROR": "danger", "BUILD": "info", "REBOOT": "warning", "HARD_REBOOT": "warning",
    "SHUTOFF": "", "PAUSED": "", "SUSPENDED": "", "DELETED": "",
}  # fmt: skip
SECRET = ("user_data", "personality", "admin_password", "rebuild", "rescue")


class StatusFilter(admin.SimpleListFilter):
    """The API's status."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, status) for status in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Server]) -> QuerySet[Server]:
        return selectors.with_status(queryset, [str(self.value())[:64]]) if self.value() else queryset


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


class TaskFilter(admin.SimpleListFilter):
    """Whether something is under way."""

    title = "task"
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "Any task"), ("none", "None"), *[(state, state) for state in sorted(actions.TRANSITIONS)]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Server]) -> QuerySet[Server]:
        if self.value() == "any":
            return queryset.exclude(task_state="")
        wanted = "" if self.value() == "none" else self.value()
        return queryset if self.value() is None else queryset.filter(task_state=wanted)


@admin.register(Server)
class ServerAdmin(Page):
    list_display = (
        "name", "shown_status", "task_state", "host", "addresses", "size", "project", "created_at", "id",
    )  # fmt: skip
    list_filter = (
        StatusFilter, TaskFilter, DeletedFilter, filters.text("host"), filters.text("zone"),
        filters.text("project_id", "project's id"), "locked",
    )  # fmt: skip
    search_fields = ("name", "id")
    search_help_text = "Name, id, address or its beginning, host, request id, or project"
    ordering = ("-created_at", "-id")
    exclude = SECRET
    collapsed = True
    empty = "No servers yet. Servers are created through the API: see the README for a first one."
    actions = ("start_many", "stop_many", "delete_many")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        rows: QuerySet[Server] = super().get_queryset(request)
        is_item = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows.select_related("group").defer(*SECRET) if is_item else rows.defer(*selectors.HEAVY)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Server], search_term: str
    ) -> tuple[QuerySet[Server], bool]:
        """Names by any part; ids whole or by their beginning. 1 query each for projects, addresses and requests."""
        term = search_term.strip()[:255]
        if not term:
            return queryset, False
        if is_address(term):
            return queryset.filter(id__in=bindings.server_ids_at(address=term)), False
        if term.startswith("req-"):
            return queryset.filter(id__in=runs.subjects_of_request(text=term)), False
        wanted = Q(name__icontains=term) | Q(host__iexact=term) | Q(project_id=term) | Q(user_id=term)
        wanted |= Q(id__istartswith=term) | Q(reservation_id=term)
        wanted |= Q(project_id__in=names.project_ids_like(text=term))
        if is_beginning(term):
            wanted |= Q(id__in=bindings.server_ids_below(beginning=term))
        return queryset.filter(wanted), False

    def is_busy(self, row: Server) -> bool:
        return bool(row.task_state)

    @admin.action(description="Start", permissions=["act"])
    def start_many(self, request: HttpRequest, queryset: QuerySet[Server]) -> HttpResponse | None:
        return bulk.respond(self, request, queryset, "start")

    @admin.action(description="Stop", permissions=["act"])
    def stop_many(self, request: HttpRequest, queryset: QuerySet[Server]) -> HttpResponse | None:
        return bulk.respond(self, request, queryset, "stop")

    @admin.action(description="Delete", permissions=["act"])
    def delete_many(self, request: HttpRequest, queryset: QuerySet[Server]) -> HttpResponse | None:
        return bulk.respond(self, request, queryset, "delete")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        by_server = bindings.for_servers(server_ids=[row.id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)
            row.shown_addresses = ", ".join(address.ip for address in by_server.get(row.id, []))

    def panels(self, request: HttpRequest, row: Server) -> list[panels.Panel]:
        return [*server_panels.of(request, row), *super().panels(request, row)]

    @display(description="status", ordering="vm_state", label=LABELS)
    def shown_status(self, server: Server) -> str:
        return server.status

    @display(description="flavor")
    def size(self, server: Server) -> str:
        return str(server.flavor.get("original_name", ""))

    @display(description="project", ordering="project_id")
    def project(self, server: Server) -> str:
        return str(getattr(server, "project_name", server.project_id))

    @display(description="addresses")
    def addresses(self, server: Server) -> str:
        return str(getattr(server, "shown_addresses", ""))


@admin.register(BlockDevice)
class BlockDeviceAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "position", "size", "device", "server_name")
    list_filter = (filters.text("kind"),)
    search_fields = ("id", "server__id", "server__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockDevice]:
        rows: QuerySet[BlockDevice] = super().get_queryset(request)
        return rows.select_related("server").only("id", "kind", "position", "size", "device", "tag", "server__name")

    @display(description="server", ordering="server__name")
    def server_name(self, device: BlockDevice) -> str:
        return f"{device.server.name} ({device.server_id})"
