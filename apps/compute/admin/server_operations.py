"""Actions of operators on a server: each calls the service that the API calls, under the API's rules."""

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
    return f"Cancelled '{action}' of {server.name}. Its changes are being undone."


def _reset(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.reset_state(context=operator.context, server=load(server.id), vm_state=values["state"])
    return f"Set the state of {server.name} to {values['state']}."


def _reboot(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.reboot(context=operator.context, server=load(server.id), hard=True)
    return f"{server.name} is being rebooted."


def _stop(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.stop(context=operator.context, server=load(server.id))
    return f"{server.name} is being stopped."


def _start(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.start(context=operator.context, server=load(server.id))
    return f"{server.name} is being started."


def _unpause(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    power.unpause(context=operator.context, server=load(server.id))
    return f"{server.name} is being unpaused."


def _delete(operator: Operator, server: Server, values: dict[str, Any]) -> str:
    servers.delete(context=operator.context, server_id=server.id)
    return f"{server.name} is being deleted."


def cancel_words(action: str) -> tuple[str, str]:
    """Return the two labels of the question whether to cancel: "Cancel the build", "Keep building"."""
    known = {"create": "build", "retry": "build", "build": "build"}
    noun = known.get(action, action or "action")
    return f"Cancel the {noun}", "Keep building" if noun == "build" else f"Let the {noun} go on"


def _task_words(server: Server) -> tuple[str, str]:
    nouns = {states.POWERING_OFF: "stop", states.POWERING_ON: "start", states.UNPAUSING: "unpause"}
    building = server.vm_state == states.BUILDING
    return cancel_words("build" if building else nouns.get(server.task_state, "reboot"))


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
        explains="Builds the server again from the original request. Uses no extra quota; hosts that failed before "
        "may be tried again.",
    ),
    Operation(
        name="cancel", title="Cancel", icon="cancel", tone=operations.AMBER, run=_cancel,
        rule=ADMIN_RULE, target=_target, confirm=lambda one: _task_words(one)[0], keep=lambda one: _task_words(one)[1],
        event="server.cancel", event_type="server",
        offered=lambda one: one.deleted_at is None and one.task_state not in ("", states.DELETING),
        explains="Stops the running action and undoes its changes. A build ends in ERROR; after a power action the "
        "state is read from the host.",
    ),
    Operation(
        name="start", title="Start", icon="play_arrow", run=_start, rule="os_compute_api:servers:start",
        target=_target, event="server.os-start", event_type="server", offered=_is(states.STOPPED),
        explains="Powers the guest on.",
    ),
    Operation(
        name="stop", title="Stop", icon="stop", tone=operations.AMBER, run=_stop, rule="os_compute_api:servers:stop",
        target=_target, event="server.os-stop", event_type="server", offered=_is(states.ACTIVE),
        explains="Asks the guest to shut down, and powers it off if it does not.",
    ),
    Operation(
        name="unpause", title="Unpause", icon="play_arrow", run=_unpause, rule="os_compute_api:os-pause-server:unpause",
        target=_target, event="server.unpause", event_type="server", offered=_is(states.PAUSED),
        explains="Lets the paused guest run on. If a disk failed or was full, mend that first.",
    ),
    Operation(
        name="reboot", title="Hard reboot", icon="restart_alt", tone=operations.AMBER, run=_reboot,
        rule="os_compute_api:servers:reboot", target=_target, event="server.reboot", event_type="server",
        offered=lambda one: bool(one.host) and _is(*states.ACTION_STATES["reboot_hard"])(one),
        explains="Powers the guest off and on without asking it. Data that the guest has not written to disk is lost.",
    ),
    Operation(
        name="reset-state", title="Reset state", icon="rule_settings", tone=operations.AMBER, run=_reset,
        rule=ADMIN_RULE, confirm=lambda one: f"Reset the state of {one.name}", target=_target,
        event="server.os-resetState", event_type="server", form=StateForm,
        offered=lambda one: one.deleted_at is None,
        explains="Sets the recorded state, cancels any running action, and changes nothing on the host. Use it when "
        "the record is wrong and the host is right.",
    ),
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, typed=True, run=_delete,
        rule="os_compute_api:servers:delete", target=_target, offered=lambda one: one.deleted_at is None,
        explains="Deletes the guest, its disks, ports and addresses, whatever its state. This cannot be undone.",
    ),
)  # fmt: skip
