"""What an operator does to a server: each calls the service that the API calls, under the API's rules."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms

from apps.common.admin import Operation, Operator, operations
from apps.common.exceptions import NotFound
from apps.compute import states
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import instance_actions, power, servers

ADMIN_RULE = "os_compute_api:os-admin-actions:reset_state"


class StateForm(forms.Form):
    state = forms.ChoiceField(choices=[("active", "active"), ("error", "error")])


def load(server_id: uuid.UUID) -> Server:
    """Raises NotFound (404): the page's row may be deferred, or gone."""
    server = selectors.load(server_id=server_id)
    if server is None:
        raise NotFound(f"Instance {server_id} could not be found.")
    return server


def _retry(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    instance_actions.retry(context=operator.context, server_id=server.id)
    return f"{server.name} is being built again."


def _cancel(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    action = instance_actions.cancel(server_id=server.id)
    return f"The action '{action}' of {server.name} is cancelled; what it has done is being undone."


def _reset(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.reset_state(server=load(server.id), vm_state=values["state"])
    return f"The state of {server.name} was set to {values['state']}."


def _reboot(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.reboot(context=operator.context, server=load(server.id), hard=True)
    return f"{server.name} is being rebooted."


def _stop(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.stop(context=operator.context, server=load(server.id))
    return f"{server.name} is being stopped."


def _start(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.start(context=operator.context, server=load(server.id))
    return f"{server.name} is being started."


def _delete(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    servers.delete(context=operator.context, server_id=server.id)
    return f"{server.name} is being deleted."


def _target(server: Server) -> Mapping[str, Any]:
    return {"project_id": server.project_id, "user_id": server.user_id}


def _is(*vm_states: str) -> Any:
    return lambda server: server.deleted_at is None and not server.task_state and server.vm_state in vm_states


operations.add(
    "compute.server",
    Operation(
        name="retry", title="Build again", icon="replay", run=_retry, rule=ADMIN_RULE, target=_target,
        event="server.retry", event_type="server",
        offered=lambda one: _is(states.ERROR)(one) and one.launched_at is None and not one.host,
        explains="A new run builds the server as it was asked for. Its quota is counted already; hosts that failed "
        "before are tried again.",
    ),
    Operation(
        name="cancel", title="Cancel", icon="cancel", danger=True, run=_cancel, rule=ADMIN_RULE, target=_target,
        event="server.cancel", event_type="server",
        offered=lambda one: one.deleted_at is None and one.task_state not in ("", states.DELETING),
        explains="What is under way is taken from its worker and undone: a build ends in ERROR, a power action in "
        "the state that the host reports.",
    ),
    Operation(
        name="start", title="Start", icon="play_arrow", run=_start, rule="os_compute_api:servers:start",
        target=_target, event="server.os-start", event_type="server", offered=_is(states.STOPPED),
        explains="The guest is powered on.",
    ),
    Operation(
        name="stop", title="Stop", icon="stop", danger=True, run=_stop, rule="os_compute_api:servers:stop",
        target=_target, event="server.os-stop", event_type="server", offered=_is(states.ACTIVE),
        explains="The guest is asked to shut down, and powered off when it does not.",
    ),
    Operation(
        name="reboot", title="Hard reboot", icon="restart_alt", danger=True, run=_reboot,
        rule="os_compute_api:servers:reboot", target=_target, event="server.reboot", event_type="server",
        offered=lambda one: bool(one.host) and _is(*states.ACTION_STATES["reboot_hard"])(one),
        explains="The guest is powered off and on, as if its plug was pulled. What it has not written is lost.",
    ),
    Operation(
        name="reset-state", title="Reset state", icon="rule_settings", danger=True, run=_reset, rule=ADMIN_RULE,
        target=_target, event="server.os-resetState", event_type="server", form=StateForm,
        offered=lambda one: one.deleted_at is None,
        explains="Writes the state by hand, cancels what is under way, and touches nothing on the host. Use it when "
        "the row is wrong and the host is right.",
    ),
    Operation(
        name="delete", title="Delete", icon="delete", danger=True, run=_delete,
        rule="os_compute_api:servers:delete", target=_target, offered=lambda one: one.deleted_at is None,
        explains="The guest, its disks, ports and addresses go, whatever state it is in. This cannot be undone.",
    ),
)  # fmt: skip
