"""Limits are set through their service; usages and reservations are the services' own books."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apps.common.admin import Page, ReadOnlyAdmin, ServiceForm, filters
from apps.identity.selectors import names, projects
from apps.quotas.exceptions import UnknownOwner
from apps.quotas.models import Limit, Reservation, Usage
from apps.quotas.selectors.limits import DEFAULT_OWNER
from apps.quotas.services import limits

BIG = 0x7FFFFFFF


class LimitForm(ServiceForm):
    owner_id = forms.CharField(max_length=64, label="Project's id", help_text='"default": of all that have none.')
    resource = forms.ChoiceField()
    value = forms.IntegerField(min_value=-1, max_value=BIG, help_text="-1: unlimited")
    force = forms.BooleanField(required=False, help_text="Also below what is in use.")

    def prepare(self) -> None:
        self.fields["resource"].choices = [(name, name) for name in sorted(settings.QUOTA_DEFAULTS)]  # type: ignore[attr-defined]

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
    """Whose limit it is, and of what, stays."""

    owner_id = resource = None  # type: ignore[assignment]

    def prepare(self) -> None:
        """There is nothing to choose."""

    def document(self) -> dict[str, Any]:
        return {**self.cleaned_data, "owner_id": self.instance.owner_id, "resource": self.instance.resource}


class Owned(Page):
    """Rows of owners, shown by their names. 1 query more."""

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        known = names.of_projects(project_ids=[row.owner_id for row in rows])
        for row in rows:
            row.owner_name = known.get(row.owner_id, row.owner_id)

    @display(description="owner", ordering="owner_id")
    def owner(self, row: Any) -> str:
        return str(getattr(row, "owner_name", row.owner_id))


@admin.register(Limit)
class LimitAdmin(Owned):
    list_display = ("owner", "resource", "value", "owner_id")
    list_filter = (filters.text("resource"), filters.text("owner_id", "owner's id"))
    search_fields = ("owner_id", "resource")
    add_form, edit_form = LimitForm, LimitEdit
    facts = ("owner_id", "resource")


@admin.register(Usage)
class UsageAdmin(Owned):
    list_display = ("owner", "resource", "in_use", "reserved", "total", "owner_id")
    list_filter = (filters.text("resource"), filters.text("owner_id", "owner's id"))
    search_fields = ("owner_id", "resource")

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
