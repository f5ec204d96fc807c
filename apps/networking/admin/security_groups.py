"""Security groups and their rules."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.common.admin import Page, ReadOnlyAdmin, filters, panels
from apps.identity.selectors import names
from apps.networking import capabilities
from apps.networking.models import SecurityGroup, SecurityGroupRule

UNENFORCED = "Security groups are not enforced in this cloud: rules are stored, and all traffic reaches the servers."


@admin.register(SecurityGroup)
class SecurityGroupAdmin(Page):
    list_display = ("name", "project", "stateful", "created_at", "id")
    list_filter = ("stateful", filters.text("project_id", "project's id"))
    search_fields = ("name", "id", "project_id")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)

    def panels(self, request: HttpRequest, row: SecurityGroup) -> list[panels.Panel]:
        rules = SecurityGroupRule.objects.filter(security_group=row).select_related(
            "remote_group", "remote_address_group"
        )
        rows = [
            [
                rule.direction, rule.ethertype, rule.protocol or "any",
                "any" if rule.port_range_min is None else f"{rule.port_range_min}-{rule.port_range_max}",
                rule.remote_ip_prefix or str(rule.remote_group or rule.remote_address_group or "any"),
            ]
            for rule in rules.order_by("direction", "created_at", "id")[:200]
        ]  # fmt: skip
        head = ["direction", "ethertype", "protocol", "ports", "remote"]
        note = "" if capabilities.has_engine() else UNENFORCED
        return [panels.table("Rules", head, rows, wide=True, note=note), *super().panels(request, row)]

    def project(self, group: Any) -> str:
        return str(getattr(group, "project_name", group.project_id))


@admin.register(SecurityGroupRule)
class SecurityGroupRuleAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "security_group", "direction", "ethertype", "protocol", "port_range_min", "port_range_max",
        "remote_ip_prefix",
    )  # fmt: skip
    list_filter = (filters.text("direction"), filters.text("ethertype"), filters.text("protocol"))
    search_fields = ("id", "security_group__name", "security_group__id", "project_id")
    list_select_related = ("security_group",)
