"""One operation on many rows of a list: a page that asks, then the operation of each row, one after the other."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.common.admin import operations
from apps.common.admin.widgets import dress
from apps.common.operators import acting

MOST = 200  # rows of one request
SHOWN = 20  # names on the page that asks


def respond(page: Any, request: HttpRequest, queryset: QuerySet[Any], name: str) -> HttpResponse | None:
    """Ask before acting on the selected rows; None leads back to the list. Refusals do not stop the others.

    Raises PermissionDenied (403) for operators with read-only access.
    """
    operator = acting(request)
    operation = operations.find(page.opts.label_lower, name)
    assert operation is not None
    rows = list(queryset[: MOST + 1])
    if len(rows) > MOST:
        messages.error(request, f"Select {MOST} at most. Nothing was changed.")
        return None
    form = _form(operation, rows, request)
    if "confirmed" not in request.POST or not form.is_valid():
        return _ask(page, request, operation, rows, form)
    refused = {}
    for row in rows:
        if not operation.offered(row):
            refused[operations.name_of(row)] = "not possible in its state"
            continue
        refusal = operations.act(request, operator, row, operation, {}, quiet=True, silent=True)
        if refusal is not None:
            refused[operations.name_of(row)] = refusal.message
    _report(request, operation, len(rows) - len(refused), refused)
    return None


def _form(operation: operations.Operation, rows: list[Any], request: HttpRequest) -> forms.Form:
    form = forms.Form(request.POST if "confirmed" in request.POST else None)
    if operation.typed:
        form.fields[operations.TYPED] = operations.typed_field(str(len(rows)))
        form.fields[operations.TYPED].label = f"Type the number of selected items ({len(rows)}) to confirm"
    dress(form)
    return form


def _ask(
    page: Any, request: HttpRequest, operation: operations.Operation, rows: list[Any], form: forms.Form
) -> HttpResponse:
    noun = page.opts.verbose_name if len(rows) == 1 else page.opts.verbose_name_plural
    context = {
        **page.admin_site.each_context(request),
        "title": operation.title,
        "opts": page.opts,
        "operation": operation,
        "explains": operations.words(operation.explains, rows[0]) if rows else "",
        "confirm": f"{operation.title} {len(rows)} {noun}",
        "names": [operations.name_of(row) for row in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
        "rows": rows,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "action": request.POST.get("action", ""),
        "form": form,
        "media": page.media,
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/bulk.html", context)


def _report(request: HttpRequest, operation: operations.Operation, done: int, refused: dict[str, str]) -> None:
    if done:
        messages.success(request, f"{operation.title}: {done} accepted.")
    if refused:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(refused.items())[:5])
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        messages.error(request, f"{operation.title}: {len(refused)} refused. {reasons}{more}")
