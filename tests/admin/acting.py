"""Entering forms and pressing buttons as a browser does."""

from typing import Any

from django.test import Client
from django.urls import reverse

from apps.common.admin.operations import TYPED, name_of
from apps.common.models import AuditEvent


def add(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def do(client: Client, row: Any, name: str, **values: Any) -> str:
    """Ask, confirm (typing the name where the page asks for it), and return the messages and errors shown then."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_operation", args=[row.pk, name])
    asked = client.get(address)
    assert asked.status_code == 200 and "<form" in asked.content.decode()
    if (form := asked.context["form"]) is not None and TYPED in form.fields:
        values.setdefault(TYPED, name_of(row))
    answer = client.post(address, values, follow=True)
    assert answer.status_code == 200
    refused = answer.context.get("form") if answer.context.get("operation") else None
    errors = [error for listed in refused.errors.values() for error in listed] if refused is not None else []
    return " ".join([*(str(message) for message in answer.context["messages"]), *errors])


def save(client: Client, address: str, **changed: Any) -> Any:
    """Post the form of a page as it is shown, with ``changed`` entered; inlines and all."""
    shown = client.get(address)
    assert shown.status_code == 200
    form = shown.context["adminform"].form
    values: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, bool):
            values |= {bound.html_name: "on"} if value else {}
        elif value is not None:
            values[bound.html_name] = bound.field.prepare_value(value)
    for formset in shown.context["inline_admin_formsets"]:
        management = formset.formset.management_form
        values |= {f"{management.prefix}-{name}": value for name, value in management.initial.items()}
    values |= {name: value for name, value in changed.items() if value is not False}
    for name in [name for name, value in changed.items() if value is False]:
        values.pop(name, None)
    return client.post(address, values)


def saved(client: Client, address: str, **changed: Any) -> None:
    answer = save(client, address, **changed)
    errors = answer.context["adminform"].form.errors if answer.status_code == 200 else None
    assert answer.status_code == 302, errors


def refused(client: Client, address: str, **changed: Any) -> str:
    answer = save(client, address, **changed)
    assert answer.status_code == 200
    return str(answer.context["adminform"].form.errors)


def events(action: str) -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.filter(action=action).values_list("user_name", "outcome", "target_id"))
