"""The audit trail."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import cells, filters, targets
from apps.common.admin.pages import ReadOnlyAdmin
from apps.common.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Audit events, newest first."""

    list_display = ("at", "action", "target", "outcome", "user_name", "address", "asked_by", "project")
    list_filter = (
        "outcome", filters.text("target_type", "kind"), filters.text("target_id", "target's id"),
        filters.text("action"), filters.text("credential", "credential's id", "details__credential__id"), "at",
    )  # fmt: skip
    search_help_text = "Name or id of a target, user or project, request id, or address"
    search_fields = ("target_id", "user_id", "user_name", "project_id", "address", "request_id")

    empty = "No events recorded yet."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Columns by any part, and targets by name."""
        matches, doubled = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()[:255]
        return (matches | queryset.filter(target_id__in=targets.like(term)) if term else matches), doubled

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        targets.complete(rows)

    @display(description="target", ordering="target_type")
    def target(self, event: AuditEvent) -> SafeString:
        return targets.cell(event)

    @display(description="request", ordering="request_id")
    def asked_by(self, event: AuditEvent) -> SafeString:
        return cells.short(event.request_id, 12)

    @display(description="project", ordering="project_id")
    def project(self, event: AuditEvent) -> SafeString:
        return cells.short(event.project_id)


def of_target(kind: str, target_id: object, *, limit: int = 10) -> list[AuditEvent]:
    """Return the newest events about one object. 1 query."""
    return list(AuditEvent.objects.filter(target_type=kind, target_id=str(target_id))[:limit])
