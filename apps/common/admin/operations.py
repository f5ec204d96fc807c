"""Actions an operator takes on one object: a button, a page that asks, a service that acts, an audit event."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.common import audit, policy
from apps.common.admin.widgets import dress
from apps.common.exceptions import CloudError
from apps.common.operators import Operator, acting

Run = Callable[[Operator, Any, dict[str, Any]], str]
Words = str | Callable[[Any], str]
NEUTRAL, AMBER, RED = "neutral", "amber", "red"
TYPED = "typed_name"  # the field that asks for the object's name


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """``run(operator, object, values)`` calls one service and returns the sentence to show.

    ``name`` is the last segment of the address. ``explains`` describes the effect before it happens. ``rule`` is
    checked with ``target(object)``. ``event`` is the action in the audit trail, "" where the service records it.
    ``offered`` selects the objects that get a button; the service checks again.

    ``tone`` is NEUTRAL if it can be undone at once, AMBER if it interrupts somebody's work, RED if it cannot be undone.
    ``confirm`` and ``keep`` label the two buttons of the confirmation page: a verb and its object. ``typed``: the
    operator has to type the object's name.
    """

    name: str
    title: str
    run: Run
    explains: Words
    icon: str = "play_arrow"
    tone: str = NEUTRAL
    confirm: Words = ""
    keep: Words = ""
    typed: bool = False
    form: type[forms.Form] | None = None
    initial: Callable[[Any], dict[str, Any]] = lambda row: {}
    rule: str = ""
    target: Callable[[Any], Mapping[str, Any]] = lambda row: {}
    event: str = ""
    event_type: str = ""
    offered: Callable[[Any], bool] = lambda row: True

    def confirm_label(self, row: Any) -> str:
        return words(self.confirm, row) or f"{self.title} {name_of(row)}"

    def keep_label(self, row: Any) -> str:
        return words(self.keep, row) or (f"Keep {name_of(row)}" if self.tone == RED else f"Back to {name_of(row)}")


_operations: dict[str, list[Operation]] = {}


def words(given: Words, row: Any) -> str:
    return given(row) if callable(given) else given


def name_of(row: Any) -> str:
    """Return the object's readable name."""
    return str(getattr(row, "name", "") or row)


def add(label: str, *operations: Operation) -> None:
    """Offer operations on every page of ``label`` ("workflow.run")."""
    _operations.setdefault(label, []).extend(operations)


def of(label: str) -> list[Operation]:
    return list(_operations.get(label, []))


def offered(label: str, row: Any) -> list[Operation]:
    """Return the operations to show a button for; deleting comes last."""
    return sorted((each for each in of(label) if each.offered(row)), key=lambda each: each.name == "delete")


def find(label: str, name: str) -> Operation | None:
    return next((each for each in of(label) if each.name == name), None)


def respond(page: Any, request: HttpRequest, row: Any, operation: Operation) -> HttpResponse:
    """Ask (GET) or act (POST). A refusal of a form with input shows the form again, with the input kept.

    Raises PermissionDenied (403) for operators with read-only access.
    """
    operator = acting(request)
    form = _form(operation, row, request)
    if request.method == "POST" and (form is None or form.is_valid()):
        values = {name: value for name, value in form.cleaned_data.items() if name != TYPED} if form else {}
        refusal = act(request, operator, row, operation, values, quiet=operation.form is not None)
        if refusal is None or operation.form is None or form is None:
            return HttpResponseRedirect(page.address_of(row))
        field = str(refusal.values.get("field", ""))
        form.add_error(field if field in form.fields else None, refusal.message)
    context = {
        **page.admin_site.each_context(request),
        "title": operation.title,
        "opts": page.opts,
        "original": row,
        "object": row,
        "operation": operation,
        "explains": words(operation.explains, row),
        "confirm": operation.confirm_label(row),
        "keep": operation.keep_label(row),
        "form": form,
        "back": page.address_of(row),
        "media": page.media,
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/operation.html", context)


def _form(operation: Operation, row: Any, request: HttpRequest) -> forms.Form | None:
    """Return the operation's form, with a field for the object's name where the operator has to type it."""
    if operation.form is None and not operation.typed:
        return None
    form = (operation.form or forms.Form)(
        request.POST if request.method == "POST" else None, initial=operation.initial(row)
    )
    if operation.typed:
        form.fields[TYPED] = typed_field(name_of(row))
    dress(form)
    return form


def typed_field(expected: str) -> forms.CharField:
    """Return a field that accepts one text only."""

    def check(value: str) -> None:
        if value != expected:
            raise forms.ValidationError(f"This is not “{expected}”. Nothing was changed.")

    return forms.CharField(
        label=f"Type “{expected}” to confirm", validators=[check], strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


def act(
    request: HttpRequest, operator: Operator, row: Any, operation: Operation, values: dict[str, Any],
    *, quiet: bool = False, silent: bool = False,
) -> CloudError | None:  # fmt: skip
    """Run the operation and show the outcome as a message. Returns the refusal, if any.

    ``quiet`` shows no refusal, ``silent`` no success.
    """
    kind = operation.event_type or row._meta.model_name
    event = audit.action(operation.event, kind, row.pk) if operation.event else nullcontext()
    try:
        with event:
            if operation.rule:
                policy.check(operator.context, operation.rule, operation.target(row))
            sentence = operation.run(operator, row, values)
    except CloudError as error:
        if not quiet:
            messages.error(request, error.message)
        return error
    if not silent:
        messages.success(request, sentence)
    return None
