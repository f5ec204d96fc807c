"""Findings of reconcilers, and their repairs."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apps.common.admin import ReadOnlyAdmin, filters
from apps.workflow.models import Finding, Tally


class StillOpenFilter(admin.SimpleListFilter):
    """Open findings."""

    title = "open"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Still open"), ("no", "Resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        if self.value() in ("yes", "no"):
            return queryset.filter(resolved_at__isnull=self.value() == "yes")
        return queryset


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    list_display = ("kind", "subject", "host", "shown_state", "found", "done", "times", "last_seen_at")
    list_filter = (StillOpenFilter, filters.text("kind"), filters.text("host"))
    search_fields = ("subject", "host", "found")

    @display(description="state", label={"open": "danger", "resolved": "success"})
    def shown_state(self, finding: Finding) -> str:
        return "resolved" if finding.resolved_at else "open"


@admin.register(Tally)
class TallyAdmin(ReadOnlyAdmin):
    list_display = ("name", "label", "value")
