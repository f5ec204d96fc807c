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
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_actions
from apps.workflow import catalogue
from apps.workflow.selectors import runs

if TYPE_CHECKING:
    from apps.workflow.models import Run


def load(server_id: uuid.UUID) -> Server:
    """Raises NotFound (404): the page's row may be deferred, or gone."""
    server = selectors.load(server_id=server_id)
    if server is None:
        raise NotFound(f"Instance {server_id} could not be found.")
    return server


def _run_of(action: ServerAction) -> Callable[[Operator, Server, dict[str, Any]], str]:
    def run(operator: Operator, server: Server, values: dict[str, Any]) -> str:
        arguments = {**action.defaults, **values}
        row = load(server.id)
        result = server_actions.perform(context=operator.context, server=row, action=action, arguments=arguments)
        return action.button.done.format(server=server.name, result=result, **arguments) if action.button else ""

    return run


def _offered(action: ServerAction) -> Callable[[Server], bool]:
    """Return whether the state of a server lets an operator do the action, as far as its row tells."""
    hard = bool(action.defaults.get("hard"))
    vm_states, task_state = action.admission(hard=hard)
    before = ("", *action.replaces(hard=hard))

    def offered(server: Server) -> bool:
        if server.deleted_at is not None or (task_state and (server.task_state not in before or not server.host)):
            return False
        return vm_states is None or server.vm_state in vm_states

    return offered


def _form_of(action: ServerAction) -> type[forms.Form] | None:
    """Return a form for the values of the body that are a choice and have no default."""
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
