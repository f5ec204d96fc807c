"""Where a new server may go: zone, host, scheduler hints, server group."""

import uuid
from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.compute.exceptions import ServerGroupNotFound
from apps.compute.selectors import request_specs, server_groups
from apps.scheduling.filters import json_query, variables
from apps.scheduling.selectors import hosts

SEES_HOSTS = "os_compute_api:os-extended-server-attributes"


def columns(context: RequestContext, values: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    """Return what the server's row keeps of its placement. Raises BadRequest (400), PolicyForbidden (403)."""
    zone, host = _zone_and_host(context, values)
    return {
        "requested_zone": zone,
        "requested_host": host,
        "scheduler_hints": hints,
        "group_id": _server_group(context, hints),
    }


def _zone_and_host(context: RequestContext, values: dict[str, Any]) -> tuple[str, str]:
    """Return (zone, host): ``zone:host:node`` and the fields host and hypervisor_hostname are for administrators.

    A host has one node, of its own name.
    """
    zone, *named = (values.get("availability_zone") or "").split(":")
    if len(named) > 2:
        raise BadRequest("Invalid input received: Unable to parse availability_zone")
    wanted = [values.get("host"), values.get("hypervisor_hostname")]
    if any(wanted) and named:
        raise BadRequest(
            "One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are "
            "mutually exclusive."
        )
    names = {name for name in (*wanted, *named) if name}
    if len(names) > 1:
        raise BadRequest("Invalid input for field/attribute hypervisor_hostname: it is no node of this host.")
    host = names.pop() if names else ""
    if host:
        rule = "requested_destination" if any(wanted) else "forced_host"
        policy.check(context, f"os_compute_api:servers:create:{rule}")
        try:
            hosts.get(name=host)
        except NotFound as error:
            raise BadRequest(f"Invalid input for field/attribute host: {error.message}") from error
    if zone and not hosts.zone_exists(zone=zone):
        raise BadRequest("The requested availability zone is not available")
    return zone, host


def check_query(context: RequestContext, hints: dict[str, Any]) -> None:
    """Keep the hint ``query`` from those who may not see hosts: it would leak the names and the load of hosts."""
    inner = {name for name in json_query.asked_by(request_specs.query_of(hints) or ()) if name in variables.INNER}
    if inner and not policy.allowed(context, SEES_HOSTS):
        refused, open_to_all = (", ".join(f"${name}" for name in sorted(names)) for names in (inner, variables.OPEN))
        raise BadRequest(
            f"Invalid input for field/attribute os:scheduler_hints.query: only administrators may ask by {refused}. "
            f"Others may ask by {open_to_all}."
        )


def _server_group(context: RequestContext, hints: dict[str, Any]) -> uuid.UUID | None:
    """A server's group is one of its project, whoever asks."""
    if not hints.get("group"):
        return None
    try:
        group = server_groups.get(context=context, group_id=hints["group"])
    except ServerGroupNotFound as error:
        raise BadRequest(error.message) from error
    if group.project_id != context.project_id:
        raise BadRequest(ServerGroupNotFound(group=group.id).message)
    return group.id
