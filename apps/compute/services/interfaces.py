"""Interfaces of servers: attached and detached while the server exists, by one run each.

The rows of a port change with the request that attaches it, and with the last step of the run that detaches it.
"""

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, Conflict, NotFound
from apps.compute import locks, rpcapi
from apps.compute.actions import ATTACH_INTERFACE, DETACH_INTERFACE, INJECT_NETWORK_INFO, ServerAction
from apps.compute.exceptions import (
    InterfacePortNotFound,
    NoMoreFixedIps,
    NoNetworkToAttach,
    PortLimitExceeded,
    ServerInUse,
    ServerNotFound,
)
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import device_changes, server_actions, servers
from apps.compute.states import SUBJECT
from apps.networking import exceptions as refusals
from apps.networking.selectors import ports as port_selectors
from apps.networking.services import interfaces, quotas, requested_networks
from apps.networking.values import InterfacePermissions, RequestedNetwork
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import runs

if TYPE_CHECKING:
    from apps.workflow.models import Run

_CHANGES = (ATTACH_INTERFACE.name, DETACH_INTERFACE.name)


def attach(
    *,
    context: RequestContext,
    server: Server,
    requested: RequestedNetwork | None = None,
    permissions: InterfacePermissions | None = None,
) -> uuid.UUID:
    """Begin to attach an interface, by default on the project's only network. Returns the id of its port.

    Raises what a network or a port does not allow (400), NotFound (404), Conflict for an address or a port in use
    (409), PortLimitExceeded (403), and the errors of ``server_actions.begin``.
    """
    wanted = _resolved(context, server, requested, permissions or InterfacePermissions())
    port_id = wanted.port_id or uuid.uuid4()
    device_changes.one_at_a_time(lambda: _attach(context, server, wanted, port_id))
    return port_id


@transaction.atomic
def _attach(context: RequestContext, server: Server, wanted: RequestedNetwork, port_id: uuid.UUID) -> None:
    try:
        if wanted.port_id is None:
            quotas.check(resource="port", project_id=server.project_id)
        row = _begin(context, server, ATTACH_INTERFACE, port_id)
        interfaces.add(
            port_id=port_id,
            server_id=row.id,
            project_id=row.project_id,
            host=row.host,
            request=wanted,
            hostname=row.hostname,
            zone=row.zone,
        )
    except refusals.OverQuota:
        raise PortLimitExceeded from None
    except refusals.IpAddressGenerationFailure:
        raise NoMoreFixedIps(network=wanted.network_id) from None
    except refusals.FixedIpInUse as error:
        raise Conflict(error.message) from None
    _note(row, [*(row.requested_networks or []), wanted.to_row()])


def _begin(context: RequestContext, server: Server, action: ServerAction, port_id: uuid.UUID) -> Server:
    """Start the action's run; return the server's row, which is locked then."""
    server_actions.begin(context=context, server=server, action=action, port=str(port_id))
    row = selectors.load(server_id=server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    return row


def _note(server: Server, wanted: list[dict[str, str | None]]) -> None:
    Server.objects.filter(id=server.id).update(requested_networks=wanted, updated_at=timezone.now())


def _resolved(
    context: RequestContext, server: Server, requested: RequestedNetwork | None, permissions: InterfacePermissions
) -> RequestedNetwork:
    """Check what is requested, as a new server's networks are, with the answers that Nova has here."""
    try:
        if requested is None or (requested.port_id is None and requested.network_id.int == 0):
            owner = replace(context, project_id=server.project_id)
            network = requested_networks.automatic(context=owner, create=False)
            if network is None:
                raise NoNetworkToAttach(project=server.project_id)
            requested = replace(network, tag=requested.tag if requested else None)
        resolved = requested_networks.resolve(
            context=context, requested=[requested], permissions=permissions, hostname=server.hostname
        )
        return resolved[0]
    except (refusals.RequestedNetworkNotFound, refusals.RequestedPortNotFound) as error:
        raise NotFound(error.message) from None
    except refusals.FixedIpInUse as error:
        raise Conflict(error.message) from None
    except refusals.NetworkAmbiguous as error:
        raise BadRequest(error.message) from None


def detach(*, context: RequestContext, server: Server, port_id: uuid.UUID) -> None:
    """Begin to detach an interface. One that is being detached already is success; one that is being attached is not
    attached any further.

    Raises InterfacePortNotFound (404), BadRequest (400) while another interface of the server changes for long, and
    the errors of ``server_actions.begin``.
    """
    try:
        device_changes.one_at_a_time(lambda: _detach(context, server, port_id))
    except ServerInUse as error:
        # Clients repeat a request that is bad while a detach is under way, and give up on a conflict.
        raise (BadRequest if error.values["user"] in device_changes.ACTIONS else Conflict)(error.message) from None


@transaction.atomic
def _detach(context: RequestContext, server: Server, port_id: uuid.UUID) -> None:
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    if port_id not in {port.id for port in port_selectors.of_server(server_id=row.id)}:
        raise InterfacePortNotFound(port=port_id)
    interfaces.check_removable(port_id=port_id)
    active = run_selectors.active_of(subject_type=SUBJECT, subject_id=row.id)
    if active is not None and _is_of(active, port_id):
        if active.action == DETACH_INTERFACE.name:
            return
        runs.cancel_active(subject_type=SUBJECT, subject_id=row.id, reason="The interface is being detached.")
    _begin(context, row, DETACH_INTERFACE, port_id)


def _is_of(run: "Run", port_id: uuid.UUID) -> bool:
    return run.action in _CHANGES and run.params.get("port") == str(port_id)


@transaction.atomic
def program(*, context: RequestContext, server: Server) -> None:
    """Have the network engine program a server's ports again. Raises ServerNotFound (404), ServerLocked (409)."""
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    interfaces.program(server_ids=[row.id])
    rpcapi.record(context=context, action=INJECT_NETWORK_INFO.name, server=row)


@transaction.atomic
def remove(*, server_id: uuid.UUID, port_id: uuid.UUID) -> None:
    """Take a port from a server, for workers: its own is deleted, the user's becomes free. Absent is success."""
    row = locks.server(server_id)
    if row is None:
        return
    place, wanted = interfaces.remove(server_id=server_id, port_id=port_id), row.requested_networks or []
    if place is not None and place < len(wanted):
        _note(row, wanted[:place] + wanted[place + 1 :])
