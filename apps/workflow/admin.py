"""Runs with their steps: what pipelines wrote about themselves."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.workflow.models import Run, Step


class StepInline(ReadOnlyInline):
    model = Step
    fields = (
        "name",
        "direction",
        "attempt",
        "host",
        "queue",
        "enqueued_at",
        "started_at",
        "finished_at",
        "result",
        "error_message",
    )
    ordering = ("started_at", "id")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = (
        "pipeline",
        "subject_id",
        "state",
        "next_step",
        "host",
        "attempt",
        "took",
        "error_cause",
        "created_at",
    )
    list_filter = ("state", "pipeline", "error_cause", "host")
    search_fields = ("id", "subject_id", "request_id", "project_id", "host")
    date_hierarchy = "created_at"
    inlines = (StepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        rows: QuerySet[Run] = super().get_queryset(request)
        one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows if one else rows.defer("params", "explanation", "error_details")

    @admin.display(description="seconds")
    def took(self, run: Run) -> str:
        return "" if run.finished_at is None else f"{(run.finished_at - run.created_at).total_seconds():.2f}"


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("name", "result", "direction", "attempt", "host", "queue", "waited", "worked", "run", "started_at")
    list_filter = ("result", "direction", "name", "host")
    search_fields = ("run__id", "run__subject_id", "queue", "host", "worker")
    list_select_related = ("run",)
    date_hierarchy = "started_at"

    @admin.display(description="waited (s)")
    def waited(self, step: Step) -> str:
        return f"{(step.started_at - step.enqueued_at).total_seconds():.3f}"

    @admin.display(description="worked (s)")
    def worked(self, step: Step) -> str:
        return "" if step.finished_at is None else f"{(step.finished_at - step.started_at).total_seconds():.3f}"
