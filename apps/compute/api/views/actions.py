"""POST /servers/{id}/action: one handler per action."""

import re
from collections.abc import Callable
from typing import Any

from rest_framework import status
from rest_framework.request import Request

from apps.common import audit, policy
from apps.common.api.views import BadRequest, Response
from apps.compute.api.views.base import ComputeView
from apps.compute.api.views.not_offered import refuse_action
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import console, power, server_security_groups, servers

Handler = Callable[["ServerActionView", Server, Any], Response]
ACTIONS: dict[str, tuple[str, Handler]] = {}
ACCEPTED = status.HTTP_202_ACCEPTED
MAX_CONSOLE_LINES = 100_000
_WHOLE = re.compile(r"\A-?[0-9]{1,9}\Z")


def action(name: str, rule: str) -> Callable[[Handler], Handler]:
    """Register the handler of an action, with the rule that guards it."""

    def mark(handler: Handler) -> Handler:
        ACTIONS[name] = (rule, handler)
        return handler

    return mark


LENGTH = {
    "oneOf": [{"type": "integer", "minimum": -1}, {"type": "string", "pattern": "^-?[0-9]{1,9}$"}],
    "nullable": True,
}
GROUP = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 255}}}
# One key, the action's name; for OpenAPI.
BODY = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "os-start": {"nullable": True},
        "os-stop": {"nullable": True},
        "unpause": {"nullable": True},
        "addSecurityGroup": GROUP,
        "removeSecurityGroup": GROUP,
        "reboot": {"type": "object", "properties": {"type": {"type": "string", "enum": ["SOFT", "HARD"]}}},
        "os-getConsoleOutput": {"type": "object", "properties": {"length": LENGTH}},
        "os-resetState": {"type": "object", "properties": {"state": {"type": "string", "enum": ["active", "error"]}}},
        "forceDelete": {"nullable": True},
        "lock": {
            "type": "object",
            "nullable": True,
            "properties": {"locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}},
            "additionalProperties": False,
        },
        "unlock": {"nullable": True},
    },
}


class ServerActionView(ComputeView):
    request_schemas = {"post": {"application/json": BODY}}
    examples = {"POST": {"reboot": {"type": "SOFT"}}}

    @classmethod
    def handlers(cls, method: str) -> list[Callable[..., Any]]:
        return [handler for _, handler in ACTIONS.values()]

    def post(self, request: Request, server_id: str) -> Response:
        """Do one action, whose name is the body's only key."""
        server = selectors.get(context=self.caller, server_id=server_id)
        body = request.data
        if not isinstance(body, dict) or len(body) != 1:
            raise BadRequest("The request body must be an object with exactly one action.")
        name, values = next(iter(body.items()))
        if name not in ACTIONS:
            refuse_action(str(name))
            raise BadRequest(f"There is no such action: {str(name)[:64]}")
        rule, handler = ACTIONS[name]
        policy.check(self.caller, f"os_compute_api:{rule}", {"project_id": server.project_id})
        with audit.action(f"server.{name}", "server", server.id):
            return handler(self, server, values)


@action("os-start", "servers:start")
def start(view: ServerActionView, server: Server, values: Any) -> Response:
    power.start(context=view.caller, server=server)
    return Response(status=ACCEPTED)


@action("os-stop", "servers:stop")
def stop(view: ServerActionView, server: Server, values: Any) -> Response:
    power.stop(context=view.caller, server=server)
    return Response(status=ACCEPTED)


@action("unpause", "os-pause-server:unpause")
def unpause(view: ServerActionView, server: Server, values: Any) -> Response:
    power.unpause(context=view.caller, server=server)
    return Response(status=ACCEPTED)


@action("reboot", "servers:reboot")
def reboot(view: ServerActionView, server: Server, values: Any) -> Response:
    kind = values.get("type") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind.upper() not in ("SOFT", "HARD"):
        raise BadRequest("Invalid input for field/attribute type: it must be SOFT or HARD.")
    power.reboot(context=view.caller, server=server, hard=kind.upper() == "HARD")
    return Response(status=ACCEPTED)


@action("os-resetState", "os-admin-actions:reset_state")
def reset_state(view: ServerActionView, server: Server, values: Any) -> Response:
    state = values.get("state") if isinstance(values, dict) else None
    if state not in ("active", "error"):
        raise BadRequest("Invalid input for field/attribute state: it must be active or error.")
    power.reset_state(context=view.caller, server=server, vm_state=state)
    return Response(status=ACCEPTED)


@action("forceDelete", "os-deferred-delete:force")
def force_delete(view: ServerActionView, server: Server, values: Any) -> Response:
    servers.delete(context=view.caller, server_id=server.id, action="forceDelete")
    return Response(status=ACCEPTED)


@action("lock", "os-lock-server:lock")
def lock(view: ServerActionView, server: Server, values: Any) -> Response:
    if values is not None and (not isinstance(values, dict) or set(values) - {"locked_reason"}):
        raise BadRequest("Invalid input for field/attribute lock: it must be null, or an object with locked_reason.")
    reason = (values or {}).get("locked_reason")
    if reason is not None and (not isinstance(reason, str) or not 1 <= len(reason) <= 255 or "\0" in reason):
        raise BadRequest("Invalid input for field/attribute locked_reason: it must have 1 to 255 characters, no NUL.")
    servers.set_lock(context=view.caller, server=server, locked=True, reason=reason)
    return Response(status=ACCEPTED)


@action("unlock", "os-lock-server:unlock")
def unlock(view: ServerActionView, server: Server, values: Any) -> Response:
    servers.set_lock(context=view.caller, server=server, locked=False)
    return Response(status=ACCEPTED)


def _group_name(values: Any) -> str:
    name = values.get("name") if isinstance(values, dict) and set(values) == {"name"} else None
    if not isinstance(name, str) or not 1 <= len(name) <= 255 or "\0" in name or not name.strip():
        raise BadRequest("Invalid input for field/attribute name: it must be a security group's name or id.")
    return name


@action("addSecurityGroup", "os-security-groups:add")
def add_security_group(view: ServerActionView, server: Server, values: Any) -> Response:
    server_security_groups.add(context=view.caller, server=server, name=_group_name(values))
    return Response(status=ACCEPTED)


@action("removeSecurityGroup", "os-security-groups:remove")
def remove_security_group(view: ServerActionView, server: Server, values: Any) -> Response:
    server_security_groups.remove(context=view.caller, server=server, name=_group_name(values))
    return Response(status=ACCEPTED)


@action("os-getConsoleOutput", "os-console-output")
def console_output(view: ServerActionView, server: Server, values: Any) -> Response:
    lines = values.get("length") if isinstance(values, dict) else None
    if isinstance(lines, str) and _WHOLE.match(lines):
        lines = int(lines)
    if lines is not None and (isinstance(lines, bool) or not isinstance(lines, int) or lines < -1):
        raise BadRequest("Invalid input for field/attribute length: it must be a whole number of lines.")
    limit = None if lines in (None, -1) else min(int(lines), MAX_CONSOLE_LINES)
    return Response({"output": console.output(server=server, lines=limit)})
