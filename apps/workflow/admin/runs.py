"""Runs and their steps."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import Page, ReadOnlyAdmin, cells, filters, panels
from apps.workflow import states
from apps.workflow.admin import subjects, timeline
from apps.workflow.models import Run, Step

LABELS = {
    states.QUEUED: "info", states.RUNNING: "info", states.REVERTING: "warning", states.SUCCEEDED: "success",
    states.FAILED: "danger", states.CANCELLED: "",
}  # fmt: skip
HEAVY = ("params", "explanation", "error_details", "excluded_hosts")


WITHIN = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}


class OpenFilter(admin.SimpleListFilter):
    """Runs that have not ended."""

    title = "open"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Not ended"), ("no", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        if self.value() == "yes":
            return queryset.filter(state__in=states.ACTIVE)
        return queryset.exclude(state__in=states.ACTIVE) if self.value() == "no" else queryset


class WithinFilter(admin.SimpleListFilter):
    """Runs of late."""

    title = "accepted within"
    parameter_name = "within"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1h", "an hour"), ("24h", "24 hours"), ("7d", "7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        age = WITHIN.get(str(self.value()))
        return queryset if age is None else queryset.filter(created_at__gt=timezone.now() - age)


class FailedStepFilter(filters.TextFilter):
    """Runs with an attempt that failed at a step."""

    title = "failed step"
    parameter_name = "failed_step"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        failed = Step.objects.filter(name=str(self.value() or "")[:64], direction=states.EXECUTE)
        failed = failed.exclude(error_message="")
        return queryset.filter(id__in=failed.values("run_id")) if self.value() else queryset


@admin.register(Run)
class RunAdmin(Page):
    list_display = (
        "pipeline", "subject", "shown_state", "created_at", "took", "host", "cause", "next_step", "attempt", "asked_by",
    )  # fmt: skip
    list_filter = (
        OpenFilter, WithinFilter, "state", filters.text("pipeline"), filters.text("host"), filters.text("queue"),
        filters.text("cause", column="error_cause"),
        filters.text("request_id", "request id"), FailedStepFilter,
    )  # fmt: skip
    search_fields = ("id", "subject_id", "request_id", "project_id", "host")
    search_help_text = "Name or ID of a server, ID of a run, request or project, or host"
    list_display_links = ("pipeline",)
    collapsed = True
    empty = "No runs yet. A run is recorded for every action on a server."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        rows: QuerySet[Run] = super().get_queryset(request)
        is_item = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows if is_item else rows.defer(*HEAVY)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Finds runs by any part of their ID, and by the name of their subject."""
        matches, doubled = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()[:255]
        return (matches | queryset.filter(subject_id__in=subjects.like(term)) if term else matches), doubled

    def is_busy(self, row: Run) -> bool:
        return row.state in states.ACTIVE

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Put on subjects' names and first causes. 1 query for each type of subject, and 1."""
        subjects.complete(rows)
        steps: dict[Any, list[Step]] = {}
        for step in Step.objects.filter(run_id__in=[row.id for row in rows]).exclude(error_message="").order_by("id"):
            steps.setdefault(step.run_id, []).append(step)
        for row in rows:
            row.first_cause = timeline.first_cause(row, steps.get(row.id, []))

    def audited(self, row: Run) -> tuple[str, object]:
        """The audit trail records actions on a run under its subject."""
        return row.subject_type, row.subject_id

    def panels(self, request: HttpRequest, row: Run) -> list[panels.Panel]:
        error = panels.pairs(
            "Error",
            [("cause", row.error_cause), ("message", row.error_message), ("for administrators", row.error_details)],
        )
        own = [timeline.panel_of([row]), error if row.error_message else None, timeline.explanation_of(row)]
        return [panel for panel in own if panel is not None] + super().panels(request, row)

    @display(description="state", ordering="state", label=LABELS)
    def shown_state(self, run: Run) -> str:
        return run.state

    @display(description="subject", ordering="subject_id")
    def subject(self, run: Run) -> SafeString:
        return subjects.cell(run)

    @display(description="cause", ordering="error_cause")
    def cause(self, run: Run) -> SafeString:
        """The first failed attempt's cause, where the last attempt only found no host left."""
        return cells.cut(getattr(run, "first_cause", "") or run.error_cause)

    @display(description="request")
    def asked_by(self, run: Run) -> SafeString:
        return cells.short(run.request_id, 12)

    @display(description="seconds")
    def took(self, run: Run) -> str:
        return "" if run.finished_at is None else f"{(run.finished_at - run.created_at).total_seconds():.2f}"


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("name", "result", "direction", "attempt", "host", "queue", "waited", "worked", "run", "started_at")
    list_filter = ("result", filters.text("name"), filters.text("host"))
    search_fields = ("run__id", "run__subject_id", "queue", "host", "worker")
    list_select_related = ("run",)

    @display(description="waited (s)")
    def waited(self, step: Step) -> str:
        return f"{(step.started_at - step.since).total_seconds():.3f}"

    @display(description="worked (s)")
    def worked(self, step: Step) -> str:
        return "" if step.finished_at is None else f"{(step.finished_at - step.started_at).total_seconds():.3f}"
