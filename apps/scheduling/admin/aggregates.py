"""Aggregates: groups of hosts with metadata. Their forms are compute's, whose API they have."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common.admin import Page, panels
from apps.scheduling.models import Aggregate

SHOWN = 100  # hosts on an aggregate's page


@admin.register(Aggregate)
class AggregateAdmin(Page):
    list_display = ("name", "zone", "number_of_hosts", "metadata_values", "id", "created_at")
    search_fields = ("name", "uuid", "hosts__name")
    exclude = ("hosts",)
    facts = ("uuid", "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Aggregate]:
        rows: QuerySet[Aggregate] = super().get_queryset(request)
        return rows.annotate(host_count=Count("hosts"))

    def panels(self, request: HttpRequest, row: Aggregate) -> list[panels.Panel]:
        rows = [
            [{"text": name, "href": reverse("admin:scheduling_host_change", args=[key])}, zone]
            for key, name, zone in row.hosts.order_by("name").values_list("id", "name", "zone")[:SHOWN]
        ]
        return [panels.table("Hosts", ["name", "zone"], rows), *super().panels(request, row)]

    @display(description="zone")
    def zone(self, aggregate: Aggregate) -> str:
        return aggregate.availability_zone or ""

    @display(description="hosts", ordering="host_count")
    def number_of_hosts(self, aggregate: Any) -> int:
        return int(aggregate.host_count)

    @display(description="metadata")
    def metadata_values(self, aggregate: Aggregate) -> str:
        return ", ".join(f"{key}={value}" for key, value in sorted(aggregate.metadata.items()))[:200]
