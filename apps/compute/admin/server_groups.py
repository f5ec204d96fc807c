"""Server groups and their members."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common import audit
from apps.common.admin import Operation, Operator, Page, filters, operations, panels
from apps.compute.models import ServerGroup
from apps.compute.selectors import server_counts
from apps.compute.selectors import server_groups as selectors
from apps.compute.services import server_groups
from apps.identity.selectors import names


@admin.register(ServerGroup)
class ServerGroupAdmin(Page):
    list_display = ("name", "policy", "members", "project", "created_at", "id")
    list_filter = ("policy", filters.text("project_id", "project's id"))
    search_fields = ("name", "id", "project_id")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        members = selectors.members(group_ids=[row.id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)
            row.member_count = len(members.get(row.id, []))

    def panels(self, request: HttpRequest, row: ServerGroup) -> list[panels.Panel]:
        ids = selectors.members(group_ids=[row.id]).get(row.id, [])
        server_names = server_counts.names(server_ids=ids)
        links = [
            [{"text": name, "href": reverse("admin:compute_server_change", args=[key])}]
            for key, name in server_names.items()
        ]
        return [panels.table("Members", ["server"], links), *super().panels(request, row)]

    @display(description="members")
    def members(self, group: ServerGroup) -> int:
        return int(getattr(group, "member_count", 0))

    @display(description="project", ordering="project_id")
    def project(self, group: ServerGroup) -> str:
        return str(getattr(group, "project_name", group.project_id))


def _delete(operator: Operator, group: ServerGroup, values: dict[str, Any]) -> str:
    with audit.action("server_group.delete", "server_group", group.id):
        server_groups.delete(group_id=group.id)
    return f"Deleted the group {group.name}. Its servers are not affected."


operations.add(
    "compute.servergroup",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete,
        rule="os_compute_api:os-server-groups:delete", target=lambda group: {"project_id": group.project_id},
        explains="Deletes the group. Its servers stay where they are; the policy no longer applies to them.",
    ),
)  # fmt: skip
