"""Limits may be changed here; usages and reservations are the services' own books."""

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.common.admin import ReadOnlyAdmin
from apps.quotas.models import Limit, Reservation, Usage


@admin.register(Limit)
class LimitAdmin(ModelAdmin):
    list_display = ("owner_id", "resource", "value")
    list_filter = ("resource",)
    search_fields = ("owner_id", "resource")


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    list_display = ("owner_id", "resource", "in_use", "reserved", "total")
    list_filter = ("resource",)
    search_fields = ("owner_id", "resource")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Usage]:
        rows: QuerySet[Usage] = super().get_queryset(request)
        return rows.annotate(sum=F("in_use") + F("reserved"))

    @admin.display(ordering="sum")
    def total(self, usage: Usage) -> int:
        return usage.in_use + usage.reserved


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("owner_id", "resource", "delta", "consumer_id", "created_at", "expires_at")
    list_filter = ("resource",)
    search_fields = ("owner_id", "consumer_id")
    date_hierarchy = "created_at"
