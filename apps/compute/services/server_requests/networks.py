"""The networks and security groups of a new server."""

import uuid
from typing import Any

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.networking.services import requested_networks, security_groups
from apps.networking.values import InterfacePermissions, RequestedNetwork


def resolve(
    context: RequestContext,
    wanted: str | list[RequestedNetwork] | None,
    permissions: InterfacePermissions,
    hostname: str,
) -> list[RequestedNetwork] | None:
    """Return the server's interfaces in their order; None for no network at all. "auto" may make a network."""
    if wanted == "none":
        return None
    if isinstance(wanted, list) and wanted:
        return requested_networks.resolve(context=context, requested=wanted, permissions=permissions, hostname=hostname)
    automatic = requested_networks.automatic(context=context)
    return [automatic] if automatic is not None else []


def groups(context: RequestContext, values: dict[str, Any]) -> list[str]:
    """Return the ids of the security groups that the request names; a server without networks has none."""
    wanted = [group["name"] for group in values.get("security_groups") or []]
    if not wanted or values.get("networks") == "none":
        return []
    try:
        ids = security_groups.resolve(context=context, names_or_ids=list(dict.fromkeys(wanted)))
    except NotFound as error:
        raise BadRequest(f"Invalid input for field/attribute security_groups: {error.message}") from error
    return [str(uuid.UUID(str(group_id))) for group_id in ids]
