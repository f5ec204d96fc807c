"""Giving a server's ports a security group, and taking one away."""

import uuid

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.compute import rpcapi
from apps.compute.actions import ADD_GROUP, REMOVE_GROUP
from apps.compute.models import Server
from apps.networking.selectors import ports as port_selectors
from apps.networking.services import ports, security_groups


def _group(context: RequestContext, name: str) -> uuid.UUID:
    """Return the id of a group of the caller's project. Raises NotFound (404)."""
    try:
        return security_groups.resolve(context=context, names_or_ids=[name])[0]
    except BadRequest as error:
        raise NotFound(error.message) from error


@transaction.atomic
def add(*, context: RequestContext, server: Server, name: str) -> None:
    """Give all ports of a server a group, by its name or id. Raises NotFound (404), BadRequest (400)."""
    group = _group(context, name)
    server_ports = port_selectors.of_server(server_id=server.id)
    if not server_ports or not all(port.port_security_enabled and port.fixed_ips.all() for port in server_ports):
        raise BadRequest(
            f"Security group {name[:255]} cannot be applied to instance {server.id}: it has no port, or one without an "
            "address or without port security."
        )
    for port in server_ports:
        groups = [link.security_group_id for link in port.portsecuritygroup_set.all()]
        if group not in groups:
            ports.update(context=context, port=port, values={"security_groups": [*groups, group]})
    rpcapi.record(context=context, action=ADD_GROUP.name, server=server)


@transaction.atomic
def remove(*, context: RequestContext, server: Server, name: str) -> None:
    """Take a group from all ports of a server. Raises NotFound (404) if no port has it."""
    group, removed = _group(context, name), False
    for port in port_selectors.of_server(server_id=server.id):
        groups = [link.security_group_id for link in port.portsecuritygroup_set.all()]
        if group in groups:
            removed = True
            groups.remove(group)
            ports.update(context=context, port=port, values={"security_groups": groups})
    if not removed:
        raise NotFound(f"Security group {name[:255]} is not associated with the instance {server.id}")
    rpcapi.record(context=context, action=REMOVE_GROUP.name, server=server)
