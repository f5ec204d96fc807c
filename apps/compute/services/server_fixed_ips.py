"""Addresses of servers: one more on a network, one less. Nova's actions, with Nova's answers."""

import ipaddress

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.compute import locks, rpcapi
from apps.compute.actions import ADD_FIXED_IP, REMOVE_FIXED_IP, ServerAction
from apps.compute.exceptions import (
    FixedIpOfServerNotFound,
    NetworkOfServerNotFound,
    NoMoreFixedIps,
    ServerNotFound,
    WrongState,
)
from apps.compute.models import Server
from apps.compute.services import servers
from apps.networking import exceptions as refusals
from apps.networking.services import interfaces


@transaction.atomic
def add(*, context: RequestContext, server: Server, network_id: str) -> None:
    """Give a server one more address on a network. Raises NetworkOfServerNotFound (404), NoMoreFixedIps (400)."""
    row, key = _held(context, server, ADD_FIXED_IP), parse_uuid(network_id)
    try:
        if key is None or not interfaces.add_address(server_id=row.id, network_id=key):
            raise NetworkOfServerNotFound(server=row.id)
    except refusals.IpAddressGenerationFailure:
        raise NoMoreFixedIps(network=network_id) from None
    rpcapi.record(context=context, action=ADD_FIXED_IP.name, server=row)


@transaction.atomic
def remove(*, context: RequestContext, server: Server, address: str) -> None:
    """Take an address from a server. Raises FixedIpOfServerNotFound (400)."""
    row = _held(context, server, REMOVE_FIXED_IP)
    try:
        ip = str(ipaddress.ip_address(address))
    except ValueError:
        raise FixedIpOfServerNotFound(server=row.id, ip=address) from None
    if not interfaces.remove_address(server_id=row.id, ip=ip):
        raise FixedIpOfServerNotFound(server=row.id, ip=address)
    rpcapi.record(context=context, action=REMOVE_FIXED_IP.name, server=row)


def _held(context: RequestContext, server: Server, action: ServerAction) -> Server:
    """Lock the server for the action. Raises ServerNotFound (404), ServerLocked, WrongState (409)."""
    row = locks.server(server.id)
    if row is None:
        raise ServerNotFound(server=server.id)
    servers.check_unlocked(context=context, server=row)
    if row.vm_state not in (action.vm_states or ()):
        raise WrongState(action=action.name, server=row.id, attribute="vm_state", state=row.vm_state)
    if row.task_state:
        raise WrongState(action=action.name, server=row.id, attribute="task_state", state=row.task_state)
    return row
