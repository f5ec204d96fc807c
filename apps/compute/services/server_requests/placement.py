"""Where a new server may go: zone, host, scheduler hints, server group."""

import uuid
from collections.abc import Mapping
from typing import Any

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.compute.exceptions import ServerGroupNotFound
from apps.compute.selectors import request_specs, server_groups
from apps.scheduling.filters import json_query, variables
from apps.scheduling.selectors import hosts

OPEN = tuple(variables.OPEN)  # what everybody may ask by in the hint ``query``


def columns(context: RequestContext, values: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    """Return what the server's row keeps of its placement. Raises BadRequest (400)."""
    zone, host = _zone_and_host(values)
    return {
        "requested_zone": zone,
        "requested_host": host,
        "scheduler_hints": hints,
        "group_id": _server_group(context, hints),
    }


def rules(values: Mapping[str, Any]) -> list[str]:
    """Return the rules that a request for a host has to pass, beside that of the call itself."""
    if values.get("host") or values.get("hypervisor_hostname"):
        return ["compute:servers:create:requested_destination"]
    if any(_split(values)[1:]):
        return ["os_compute_api:servers:create:forced_host"]
    return []


def restricted(hints: Mapping[str, Any]) -> set[str]:
    """Return the variables of the hint ``query`` that would leak the names and the load of hosts."""
    asked = json_query.asked_by(request_specs.query_of(hints) or ())
    return {name for name in asked if name in variables.INNER}


def _split(values: Mapping[str, Any]) -> list[str]:
    """Return availability_zone as ``zone:host:node``, the parts that it has."""
    parts: list[str] = (values.get("availability_zone") or "").split(":")
    if len(parts) > 3:
        raise BadRequest("Invalid input received: Unable to parse availability_zone")
    return parts


def _zone_and_host(values: dict[str, Any]) -> tuple[str, str]:
    """Return (zone, host): of ``zone:host:node``, or of the fields host and hypervisor_hostname.

    A host has one node, with the same name.
    """
    zone, *named = _split(values)
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
        try:
            hosts.get(name=host)
        except NotFound as error:
            raise BadRequest(f"Invalid input for field/attribute host: {error.message}") from error
    if zone and not hosts.zone_exists(zone=zone):
        raise BadRequest("The requested availability zone is not available")
    return zone, host


def _server_group(context: RequestContext, hints: dict[str, Any]) -> uuid.UUID | None:
    """A server's group must be in its project."""
    if not hints.get("group"):
        return None
    try:
        group = server_groups.get(context=context, group_id=hints["group"])
    except ServerGroupNotFound as error:
        raise BadRequest(error.message) from error
    if group.project_id != context.project_id:
        raise BadRequest(ServerGroupNotFound(group=group.id).message)
    return group.id
