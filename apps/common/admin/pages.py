"""The base of all pages: access, a fixed number of queries, panels, operations, forms of services."""

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError
from django.db.models import DateTimeField, Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.views import ChangeList

from apps.common import live
from apps.common.admin import cells, operations, panels
from apps.common.admin.forms import ServiceForm
from apps.common.operators import acting, may_act, operator_of


class Listed(ChangeList):
    """A list whose rows the page may complete, with a fixed number of queries for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
            self.result_list = list(self.result_list)
        except (ValueError, OverflowError, DataError):  # a year that is none, a number beyond a column
            raise IncorrectLookupParameters from None
        self.model_admin.complete(request, self.result_list)
        self.live_every = live.every(busy=any(self.model_admin.is_busy(row) for row in self.result_list))


class _Looked:
    """Everyone with access to the site can view; the page is read-only."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return operator_of(request) is not None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operator_of(request) is not None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(_Looked, TabularInline):
    hide_title = True
    extra = 0
    can_delete = False


class Page(_Looked, ModelAdmin):
    """``add_form`` and ``edit_form`` are forms of services; without them nothing is added or changed.

    ``facts`` are columns shown beside the form. ``collapsed``: the columns are folded, because the panels show them.
    ``empty`` is the sentence of a list without rows. Deleting is an operation like others.
    """

    list_per_page = 50
    show_full_result_count = False  # counting all rows would read the whole table
    show_facets = admin.ShowFacets.NEVER
    change_form_outer_before_template = "admin/above.html"
    add_form: type[ServiceForm] | None = None
    edit_form: type[ServiceForm] | None = None
    facts: tuple[str, ...] = ()
    collapsed = False
    empty = ""

    # --- what subclasses fill in ------------------------------------------------------------------

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Add values to a list's rows that are shown and are not columns of the table."""

    def panels(self, request: HttpRequest, row: Any) -> list[panels.Panel]:
        return panels.of(self.opts.label_lower, request, row)

    def is_busy(self, row: Any) -> bool:
        """Return whether something runs for this row, so that its page is refreshed often."""
        return False

    def empty_words(self) -> str:
        """Return the sentence of a list without rows and without filters."""
        return self.empty or f"There are no {self.opts.verbose_name_plural} yet."

    def audited(self, row: Any) -> tuple[str, object]:
        """Return the kind and the id under which the audit trail knows a row."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.opts.object_name).lower(), row.pk

    # --- who may --------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.add_form is not None and may_act(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.edit_form is not None and may_act(request)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only the page's own filters may query columns: hidden values of others could be guessed letter by letter
        (``?password__startswith=``).
        """
        column = lookup.split("__")[0]
        try:
            self.opts.get_field(column)
        except FieldDoesNotExist:  # a filter's own word, or one that is ignored further on
            return bool(super().lookup_allowed(lookup, value, request))
        filters = (entry if isinstance(entry, str) else entry.parameter_name for entry in self.get_list_filter(request))
        return column in {name.split("__")[0] for name in filters}

    # --- forms ----------------------------------------------------------------------------------

    def _service_form(self, request: HttpRequest, obj: Any) -> type[ServiceForm] | None:
        return (self.add_form if obj is None else self.edit_form) if may_act(request) else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        base = self._service_form(request, obj)
        if base is None:
            return super().get_form(request, obj, change=change, **kwargs)
        kwargs.update(form=base, fields=list(base.base_fields))
        form = super().get_form(request, obj, change=change, **kwargs)
        form.operator = acting(request)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        form = self._service_form(request, obj)
        if form is None and self.collapsed:
            columns = [field.name for field in self.opts.fields if field.name not in (self.exclude or ())]
            return [("All columns", {"fields": columns, "classes": ["collapse"]})]
        if form is None:
            return super().get_fieldsets(request, obj)
        first = [*(form.field_order or [])]
        fields = [*first, *(name for name in form.base_fields if name not in first)]
        entered: list[Any] = [(None, {"fields": fields})]
        return [*entered, ("Facts", {"fields": self.facts})] if obj is not None and self.facts else entered

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self._service_form(request, obj) is None:
            return super().get_readonly_fields(request, obj)
        return self.facts if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """The service has written it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Services write all other rows."""

    # --- pages ----------------------------------------------------------------------------------

    @display(description="name", ordering="name")
    def named(self, row: Any) -> SafeString:
        return cells.cut(row.name)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Cut long names, shorten ids, and show times by their age: wide cells would push the others out of sight."""
        return tuple(self._column(name) for name in self.list_display)

    def _column(self, name: Any) -> Any:
        if name == "name":
            return "named"
        if name == "id" and self.list_display[0] != "id":
            return cells.id_column()
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return name
        return cells.time_column(name, str(field.verbose_name)) if isinstance(field, DateTimeField) else name

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Listed

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether bulk actions are offered."""
        return may_act(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request) if may_act(request) else {}
        actions.pop("delete_selected", None)
        return actions

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}_operation"
        return [
            path("<path:object_id>/do/<slug:name>/", wrap(self.operation_view), name=name),
            path("<path:object_id>/live/", wrap(self.live_view), name=name.replace("_operation", "_live")),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; for the script that refreshes it, only its rows."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        if request.method != "GET" or "X-Live" not in request.headers or response.status_code != 200:
            return response
        if isinstance(response, TemplateResponse):
            response.render()
        return live.part_of(request, response.content)

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the panels and buttons of a row as they are now, for the script that refreshes them."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return HttpResponse(status=404)
        context = {"opts": self.opts, "original": row, **self._above(request, row)}
        return live.respond(request, "admin/above.html", context)

    def _above(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        base = f"admin:{self.opts.app_label}_{self.opts.model_name}_live"
        return {
            "panels": self.panels(request, row),
            "operations": operations.offered(self.opts.label_lower, row) if may_act(request) else [],
            "live_url": reverse(base, args=[row.pk]),
            "live_every": live.every(busy=self.is_busy(row)),
        }

    def operation_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        acting(request)
        row = self.get_object(request, object_id)
        operation = operations.find(self.opts.label_lower, name)
        if row is None or operation is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return operations.respond(self, request, row, operation)

    def address_of(self, row: Model) -> str:
        """Return the page of a row, or the list when the row is gone."""
        base = f"admin:{self.opts.app_label}_{self.opts.model_name}_"
        if self.model._default_manager.filter(pk=row.pk).exists():
            return reverse(f"{base}change", args=[row.pk])
        return reverse(f"{base}changelist")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: Any = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context.update(self._above(request, obj))
        context.update(show_save_and_continue=False, show_save_and_add_another=False)
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """An object's history is the audit trail's: of this object, and of no other that is called alike."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        kind, key = self.audited(row)
        query = urlencode({"target_type": kind, "target_id": str(key)})
        return HttpResponseRedirect(f"{reverse('admin:common_auditevent_changelist')}?{query}")

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return ""

    # The audit trail records changes; Django's own log would repeat them with less detail.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        pass

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        pass


class ReadOnlyAdmin(Page):
    """A page of rows that services own."""
