"""What an operator does to one object: a button, a page that asks, a service that acts, an event that tells."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.common import audit, policy
from apps.common.admin.dressing import dress
from apps.common.exceptions import CloudError
from apps.common.operators import Operator, acting

Run = Callable[[Operator, Any, dict[str, Any]], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """``run(operator, object, values)`` calls one service and returns the sentence that is shown.

    ``name`` is the segment of its address. ``explains`` says what will happen, before it does; it may be a function of
    the object. ``rule`` is asked with ``target(object)``. ``event`` is the action in the audit trail, "" where the
    service records it itself.
    ``offered`` says for which objects there is a button; the service decides all the same.
    """

    name: str
    title: str
    run: Run
    explains: str | Callable[[Any], str]
    icon: str = "play_arrow"
    danger: bool = False
    form: type[forms.Form] | None = None
    initial: Callable[[Any], dict[str, Any]] = lambda row: {}
    rule: str = ""
    target: Callable[[Any], Mapping[str, Any]] = lambda row: {}
    event: str = ""
    event_type: str = ""
    offered: Callable[[Any], bool] = lambda row: True


_operations: dict[str, list[Operation]] = {}


def add(label: str, *operations: Operation) -> None:
    """Offer operations on every page of ``label`` ("workflow.run")."""
    _operations.setdefault(label, []).extend(operations)


def of(label: str) -> list[Operation]:
    return list(_operations.get(label, []))


def offered(label: str, row: Any) -> list[Operation]:
    """Return what there is a button for: deleting stands last."""
    return sorted((one for one in of(label) if one.offered(row)), key=lambda one: one.name == "delete")


def find(label: str, name: str) -> Operation | None:
    return next((one for one in of(label) if one.name == name), None)


def respond(page: Any, request: HttpRequest, row: Any, operation: Operation) -> HttpResponse:
    """Ask (GET) or act (POST). Raises PermissionDenied (403) for those who only look."""
    operator = acting(request)
    form = operation.form(request.POST or None, initial=operation.initial(row)) if operation.form else None
    if form is not None:
        dress(form)
    if request.method == "POST" and (form is None or form.is_valid()):
        act(request, operator, row, operation, dict(form.cleaned_data) if form else {})
        return HttpResponseRedirect(page.address_of(row))
    context = {
        **page.admin_site.each_context(request),
        "title": operation.title,
        "opts": page.opts,
        "original": row,
        "object": row,
        "operation": operation,
        "explains": operation.explains(row) if callable(operation.explains) else operation.explains,
        "form": form,
        "back": page.address_of(row),
        "media": page.media,
    }
    request.current_app = page.admin_site.name  # type: ignore[attr-defined]
    return TemplateResponse(request, "admin/operation.html", context)


def act(request: HttpRequest, operator: Operator, row: Any, operation: Operation, values: dict[str, Any]) -> bool:
    """Run the operation and tell how it went in a message. Returns whether it did."""
    kind = operation.event_type or row._meta.model_name
    told = audit.action(operation.event, kind, row.pk) if operation.event else nullcontext()
    try:
        with told:
            if operation.rule:
                policy.check(operator.context, operation.rule, operation.target(row))
            sentence = operation.run(operator, row, values)
    except CloudError as error:
        messages.error(request, error.message)
        return False
    messages.success(request, sentence)
    return True
