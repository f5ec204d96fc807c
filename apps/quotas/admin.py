"""Limits are set through their service; usages and reservations are read-only."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, ServiceForm, filters, operations, panels
from apps.identity.selectors import names, projects
from apps.quotas import registry
from apps.quotas.exceptions import UnknownOwner
from apps.quotas.models import Limit, Reservation, Usage
from apps.quotas.selectors import limits as selectors
from apps.quotas.selectors import usages
from apps.quotas.selectors.limits import DEFAULT_OWNER
from apps.quotas.services import limits

BIG = 0x7FFFFFFF


class LimitForm(ServiceForm):
    owner_id = forms.CharField(
        max_length=64, label="Project id", help_text='"default" sets the limit of all projects without their own.'
    )
    resource = forms.ChoiceField()
    value = forms.IntegerField(min_value=-1, max_value=BIG, help_text="-1 means unlimited.")
    force = forms.BooleanField(required=False, label="Allow limits below current usage")

    def prepare(self) -> None:
        self.fields["resource"].choices = [(name, name) for name in sorted(selectors.known())]  # type: ignore[attr-defined]

    def document(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    def serve(self, values: dict[str, Any]) -> Limit:
        owner, resource = values["owner_id"], values["resource"]
        if owner != DEFAULT_OWNER and projects.find(owner) is None:
            raise UnknownOwner(owner=owner)
        force = values["force"] or owner == DEFAULT_OWNER
        limits.set_many(owner_id=owner, values={resource: values["value"]}, force=force)
        return Limit.objects.get(owner_id=owner, resource=resource)


class LimitEdit(LimitForm):
    """Owner and resource cannot be changed."""

    owner_id = resource = None  # type: ignore[assignment]

    def prepare(self) -> None:
        """There is nothing to choose."""

    def document(self) -> dict[str, Any]:
        return {**self.cleaned_data, "owner_id": self.instance.owner_id, "resource": self.instance.resource}


class Owned(Page):
    """Rows of owners, shown and found by their names: 2 queries more, 1 for a search."""

    search_fields = ("owner_id", "resource")
    search_help_text = "Project's name or id, or resource"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        matches, doubled = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()[:255]
        return (matches | queryset.filter(owner_id__in=names.project_ids_like(text=term)) if term else matches), doubled

    def audited(self, row: Any) -> tuple[str, object]:
        return "quota", row.owner_id

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        owners = [row.owner_id for row in rows]
        # Key pairs are counted for users; the ids of both are made alike, and never the same.
        known = {**names.of_users(user_ids=owners), **names.of_projects(project_ids=owners)}
        for row in rows:
            own = "all projects without their own" if row.owner_id == DEFAULT_OWNER else f"{row.owner_id} (deleted)"
            row.owner_name = known.get(row.owner_id, own)

    @display(description="owner", ordering="owner_id")
    def owner(self, row: Any) -> str:
        return str(getattr(row, "owner_name", row.owner_id))


@admin.register(Limit)
class LimitAdmin(Owned):
    list_display = ("owner", "resource", "value", "owner_id")
    list_filter = (filters.text("resource"), filters.text("owner_id", "owner's id"))
    add_form, edit_form = LimitForm, LimitEdit
    facts = ("owner_id", "resource")


@admin.register(Usage)
class UsageAdmin(Owned):
    list_display = ("owner", "resource", "in_use", "reserved", "total", "owner_id")
    list_filter = (filters.text("resource"), filters.text("owner_id", "owner's id"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Usage]:
        rows: QuerySet[Usage] = super().get_queryset(request)
        return rows.annotate(sum=F("in_use") + F("reserved"))

    @display(ordering="sum")
    def total(self, usage: Usage) -> int:
        return usage.in_use + usage.reserved


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("owner_id", "resource", "delta", "consumer_id", "created_at", "expires_at")
    list_filter = (filters.text("resource"),)
    search_fields = ("owner_id", "consumer_id")


def _counted(request: HttpRequest, project: Any) -> panels.Panel:
    """Return limits and usage of a project's counted resources. 1 query, and 1 or 2 for each resource."""
    allowed = selectors.of_owner(owner_id=project.id)
    rows: list[list[Any]] = [
        [
            resource.name,
            "unlimited" if allowed[resource.name] < 0 else allowed[resource.name],
            usages.counted_in_units(owner_id=project.id, resource=resource),
        ]
        for resource in registry.everything()
        if resource.count is not None
    ]
    return panels.table("Quotas of networks and images", ["resource", "limit", "in use"], rows)


panels.add("identity.project", _counted)


def _delete(operator: Operator, limit: Limit, values: dict[str, Any]) -> str:
    limits.reset_one(owner_id=limit.owner_id, resource=limit.resource)
    return f"Deleted the limit. The default of {limit.resource} applies."


operations.add(
    "quotas.limit",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.AMBER, run=_delete,
        confirm="Delete the limit", keep="Keep the limit",
        explains="Deletes this limit. The default applies, even if usage exceeds it.",
    ),
)  # fmt: skip
