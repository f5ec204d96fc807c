"""Buttons of a server's page: the catalogue's actions."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms

from apps.common.admin import Operation, Operator, operations
from apps.common.exceptions import NotFound
from apps.compute import actions, states
from apps.compute.actions import Button, ServerAction
from apps.compute.api.views.actions import check_body
from apps.compute.models import Server
from apps.compute.selectors import flavors
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_actions
from apps.images.selectors import images
from apps.workflow import catalogue
from apps.workflow.selectors import runs

if TYPE_CHECKING:
    from apps.workflow.models import Run


MAX_CHOICES = 500


def load(server_id: uuid.UUID) -> Server:
    """Raises NotFound (404): the page's row may be deferred, or gone."""
    server = selectors.load(server_id=server_id)
    if server is None:
        raise NotFound(f"Instance {server_id} could not be found.")
    return server


def _run_of(action: ServerAction) -> Callable[[Operator, Server, dict[str, Any]], str]:
    def run(operator: Operator, server: Server, values: dict[str, Any]) -> str:
        arguments = _arguments(action, values)
        row = load(server.id)
        result = server_actions.perform(context=operator.context, server=row, action=action, arguments=arguments)
        return action.button.done.format(server=server.name, result=result, **arguments) if action.button else ""

    return run


def _arguments(action: ServerAction, values: dict[str, Any]) -> dict[str, Any]:
    """Return the service's arguments. Raises BadRequest (400) for a value that the API refuses too."""
    if not (action.button and action.button.asks):
        return {**action.defaults, **values}
    body = {name: value for name, value in values.items() if value not in ("", None)}
    check_body(action, body)
    return action.arguments(body)


def _offered(action: ServerAction) -> Callable[[Server], bool]:
    """Return whether the state of a server lets an operator do the action, as far as its row tells."""
    hard = bool(action.defaults.get("hard"))
    vm_states, task_state = action.admission(hard=hard)
    before = ("", *action.replaces(hard=hard))

    def offered(server: Server) -> bool:
        if server.deleted_at is not None or (
            task_state and (server.task_state not in before or not _has_place(server))
        ):
            return False
        return vm_states is None or server.vm_state in vm_states

    return offered


def _has_place(server: Server) -> bool:
    """A server that was shelved is on no host, and comes back."""
    return bool(server.host) or server.vm_state == states.SHELVED_OFFLOADED


def _flavors() -> list[tuple[str, str]]:
    """1 query."""
    return [(row.flavor_id, row.name) for row in flavors.everything()[:MAX_CHOICES]]


def _images() -> list[tuple[str, str]]:
    """1 query."""
    rows = images.live().filter(status="active").order_by("name").only("id", "name")
    return [(str(row.id), row.name or str(row.id)) for row in rows[:MAX_CHOICES]]


def _field_of(name: str, schema: Mapping[str, Any]) -> forms.Field:
    words: dict[str, Any] = {"help_text": schema.get("description", ""), "label": name}
    if name in CHOICES:
        return forms.ChoiceField(choices=CHOICES[name], **words)
    if name == "adminPass":
        return forms.CharField(widget=forms.PasswordInput, max_length=schema.get("maxLength"), **words)
    if name == "rotation":
        return forms.IntegerField(min_value=0, **words)
    return forms.CharField(max_length=schema.get("maxLength"), required=name != "host", **words)


CHOICES: dict[str, Callable[[], list[tuple[str, str]]]] = {"flavorRef": _flavors, "imageRef": _images}


def _form_of(action: ServerAction) -> type[forms.Form] | None:
    """Return a form for what the button asks, or for the values of the body that are a choice and have no default."""
    if action.button and action.button.asks:
        asked = {name: _field_of(name, action.body["properties"][name]) for name in action.button.asks}
        return type(f"{action.name}Form", (forms.Form,), asked)
    fields = {
        name: forms.ChoiceField(choices=[(value, value) for value in schema["enum"]])
        for name, schema in action.body.get("properties", {}).items()
        if "enum" in schema and not action.defaults
    }
    return type(f"{action.name}Form", (forms.Form,), fields) if fields else None


def operation_of(action: ServerAction, button: Button) -> Operation:
    """Return the button of an action of the catalogue."""
    title = button.title or action.title
    return Operation(
        name=re.sub("(?<=[a-z])(?=[A-Z])", "-", action.name).lower(),
        title=title,
        icon=action.icon,
        tone=operations.RED if button.destroys else operations.AMBER if button.interrupts else operations.NEUTRAL,
        typed=button.destroys,
        run=_run_of(action),
        rule=action.policy,
        target=_target,
        confirm=lambda server: button.confirm.format(server=server.name),
        event="" if action.recorded else action.event,
        event_type="server",
        form=_form_of(action),
        offered=_offered(action),
        explains=button.explains or action.explains,
    )


def cancel_words(run: "Run | None") -> tuple[str, str]:
    """Return the two labels of the question whether to cancel a run: "Cancel the build", "Keep building"."""
    entry = catalogue.find(run.pipeline) if run is not None else None
    noun = entry.noun if entry is not None else "action"
    if entry is not None and entry.creates:
        return f"Cancel the {noun}", "Keep building"
    return f"Cancel the {noun}", f"Let the {noun} go on"


def _task_words(server: Server) -> tuple[str, str]:
    """1 query."""
    return cancel_words(runs.active_of(subject_type=states.SUBJECT, subject_id=server.id))


def _target(server: Server) -> Mapping[str, Any]:
    return {"project_id": server.project_id, "user_id": server.user_id}


def _may_build_again(server: Server) -> bool:
    failed = server.vm_state == states.ERROR and not server.task_state and server.deleted_at is None
    return failed and server.launched_at is None and not server.host


def _of_server(action: ServerAction, button: Button) -> Operation:
    """Return the button on a server's page: whether it is offered may depend on more than the row's states."""
    operation = operation_of(action, button)
    if action is actions.RETRY:
        return replace(operation, offered=_may_build_again)
    if action is actions.CANCEL:
        return replace(
            operation,
            offered=lambda server: server.deleted_at is None and server.task_state not in ("", states.DELETING),
            confirm=lambda server: _task_words(server)[0],
            keep=lambda server: _task_words(server)[1],
        )
    return operation


operations.add(
    "compute.server", *(_of_server(action, action.button) for action in actions.ACTIONS.values() if action.button)
)
