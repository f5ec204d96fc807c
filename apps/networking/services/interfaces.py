"""Interfaces of a server that exists: one port more, one less. A new server gets its own in ``bindings``.

Callers hold the server's row, so that one of them at a time counts its interfaces.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.networking import exceptions, locks, ranges, rpcapi, states
from apps.networking.models import FixedIP, Port
from apps.networking.selectors import subnets
from apps.networking.services import (
    automatic_floating_ips,
    bindings,
    fixed_ips,
    floating_ips,
    port_addresses,
    port_forwardings,
    trunks,
)
from apps.networking.values import RequestedNetwork


def add(
    *,
    port_id: uuid.UUID,
    server_id: uuid.UUID,
    project_id: str,
    host: str,
    request: RequestedNetwork,
    hostname: str,
    zone: str,
) -> None:
    """Give a server a port behind those that it has, bound to ``host``: the requested one, or a new one ``port_id``.

    The project's default group guards a new port. Raises NetworkRequiresSubnet, FixedIpInvalid, FixedIpInUse (400),
    NetworkNotFound, PortNotFound (404), PortInUse, IpAddressGenerationFailure (409).
    """
    bound: dict[str, Any] = {
        "device_id": str(server_id),
        "device_owner": f"{states.OWNER_COMPUTE}{zone or 'nova'}",
        "host": host,
        "hostname": hostname,
    }
    last = _of_server(server_id).order_by("-request_index").values_list("request_index", flat=True).first()
    index = 0 if last is None else last + 1
    if request.port_id is not None:
        bindings.bind(request.port_id, project_id=project_id, request_index=index, **bound)
    else:
        _make(port_id, (index, request), project_id, bound)
    rpcapi.changed(ports=[port_id])


def _make(port_id: uuid.UUID, request: tuple[int, RequestedNetwork], project_id: str, bound: dict[str, Any]) -> None:
    for attempt in range(bindings.ATTEMPTS):
        try:
            with transaction.atomic():
                bindings.make([request], project_id=project_id, groups=(), keys=[port_id], **bound)
            return
        except IntegrityError as error:
            if not bindings.is_worth_another_try(error):
                raise exceptions.NetworkNotFound(id=request[1].network_id) from error
            if attempt == bindings.ATTEMPTS - 1:
                raise


def check_removable(*, port_id: uuid.UUID) -> None:
    """Raise PortInUseAsTrunkParent, PortInUseAsSubPort (409) for a port that would be deleted and that a trunk has."""
    port = Port.objects.filter(id=port_id, preserved=False).first()
    if port is not None:
        trunks.refuse_use(port)


@transaction.atomic
def remove(*, server_id: uuid.UUID, port_id: uuid.UUID) -> int | None:
    """Delete a server's port, or unbind it if it is the user's own. Floating IPs of a deleted port become loose;
    those that the server got by itself are deleted.

    Returns its place among the server's interfaces; None if the server has no such port.
    """
    held = list(_of_server(server_id).order_by("request_index").values_list("id", flat=True))
    port = locks.port_to_delete(port_id) if port_id in held else None
    if port is None:
        return None
    if port.preserved:
        bindings.unbind([port_id])
        automatic_floating_ips.remove(port_id=port_id)
    else:
        automatic_floating_ips.remove(port_id=port_id)
        floating_ips.loosen(port_id=port_id)
        port_forwardings.delete_of_port(port_id=port_id)
        port.delete()
        rpcapi.changed(ports=[port_id])
    return held.index(port_id)


def add_address(*, server_id: uuid.UUID, network_id: uuid.UUID) -> bool:
    """Give a server's first port on a network one more address of it. False: the server has no port there.

    Raises IpAddressGenerationFailure (409) when no subnet has a free one, InvalidInput (400) for too many addresses.
    """
    port = _locked(_of_server(server_id).filter(network_id=network_id))
    if port is None:
        return False
    if port.fixed_ips.count() >= port_addresses.MAX_FIXED_IPS:
        reason = f"fixed_ips: exceeded maximum amount of fixed ips per port ({port_addresses.MAX_FIXED_IPS})"
        raise exceptions.InvalidInput(reason=reason)
    rows = subnets.by_network(network_ids=[network_id]).get(network_id, [])
    drawn = [subnet for subnet in rows if subnet.ip_version == 4 or not ranges.is_automatic(subnet)]
    if not any(fixed_ips.draw(port_id=port.id, subnet=subnet) for subnet in drawn):
        raise exceptions.IpAddressGenerationFailure(network_id=network_id)
    _changed(port.id)
    return True


def remove_address(*, server_id: uuid.UUID, ip: str) -> bool:
    """Take an address from the port of a server that has it. Floating IPs that lead to it become loose; one that the
    server got by itself is deleted.

    False: no port of the server has it.
    """
    port = _locked(_of_server(server_id).filter(fixed_ips__ip_address=ip))
    if port is None:
        return False
    FixedIP.objects.filter(port=port, ip_address=ip).delete()
    automatic_floating_ips.remove(port_id=port.id, ips=[ip])
    floating_ips.loosen(port_id=port.id, ips=[ip])
    port_forwardings.delete_of_port(port_id=port.id, ips=[ip])
    _changed(port.id)
    return True


def _locked(ports: QuerySet[Port]) -> Port | None:
    """Lock the first of a server's ports."""
    port_id = ports.order_by("request_index").values_list("id", flat=True).first()
    return locks.port(port_id) if port_id is not None else None


def _changed(port_id: uuid.UUID) -> None:
    Port.objects.filter(id=port_id).update(revision_number=F("revision_number") + 1, updated_at=timezone.now())
    rpcapi.changed(addresses=[port_id])


def program(*, server_ids: Iterable[uuid.UUID]) -> None:
    """Have the network engine program the ports of servers again."""
    rpcapi.changed(servers=server_ids)


def _of_server(server_id: uuid.UUID) -> QuerySet[Port]:
    return Port.objects.filter(device_id=str(server_id), request_index__isnull=False)
