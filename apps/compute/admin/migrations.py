"""Migrations of servers, as they were made."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apps.common.admin import ReadOnlyAdmin, filters
from apps.compute import migration_states as states
from apps.compute.models import Migration

LABELS = {
    **dict.fromkeys((states.COMPLETED, states.CONFIRMED, states.DONE), "success"),
    **dict.fromkeys((states.ERROR, states.FAILED), "danger"),
    **dict.fromkeys((states.CANCELLED, states.REVERTED), ""),
    states.FINISHED: "warning",  # it waits to be confirmed or reverted
}


@admin.register(Migration)
class MigrationAdmin(ReadOnlyAdmin):
    list_display = ("of_server", "type", "shown_status", "source", "destination", "created_at", "updated_at")
    list_filter = ("type", "status", filters.text("source"), filters.text("destination"))
    search_fields = ("server__id", "server__name", "uuid", "source", "destination")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Migration]:
        rows: QuerySet[Migration] = super().get_queryset(request)
        own = [field.name for field in Migration._meta.concrete_fields]
        return rows.select_related("server").only(*own, "server__name")

    @display(description="status", ordering="status", label=LABELS)
    def shown_status(self, migration: Migration) -> str:
        return migration.status

    @display(description="server", ordering="server__name")
    def of_server(self, migration: Migration) -> str:
        return str(migration.server.name)
