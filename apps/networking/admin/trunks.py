"""Trunks with their subports: read-only; their owners change them."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common.admin import Page, panels
from apps.networking.models import Trunk


@admin.register(Trunk)
class TrunkAdmin(Page):
    list_display = ("name", "port", "subport_count", "admin_state_up", "project_id", "created_at", "id")
    list_filter = ("admin_state_up",)
    search_fields = ("name", "id", "project_id", "port__id", "sub_ports__port__id")
    search_help_text = "Name, id, port or project"
    list_select_related = ("port",)
    ordering = ("-created_at", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trunk]:
        return super().get_queryset(request).annotate(number_of_subports=Count("sub_ports"))

    def panels(self, request: HttpRequest, row: Trunk) -> list[panels.Panel]:
        subports = [
            [
                item.segmentation_type,
                item.segmentation_id,
                _link("port", item.port_id, item.port),
                _link("network", item.port.network_id, item.port.network),
            ]
            for item in row.sub_ports.select_related("port__network").order_by("segmentation_id")
        ]
        return [
            panels.table("Parent", ["port"], [[_link("port", row.port_id, row.port)]]),
            panels.table("Subports", ["type", "tag", "port", "network"], subports),
            *super().panels(request, row),
        ]

    @display(description="subports", ordering="number_of_subports")
    def subport_count(self, trunk: Trunk) -> int:
        return trunk.number_of_subports  # type: ignore[attr-defined]


def _link(model: str, key: object, text: object) -> dict[str, str]:
    return {"text": str(text), "href": reverse(f"admin:networking_{model}_change", args=[key])}
