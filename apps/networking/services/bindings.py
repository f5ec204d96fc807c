"""The ports of servers: made, bound and given back by compute's pipelines. The hot path of every boot.

All of it is idempotent: the key of a port is (server, number of the interface). Security groups are recorded on the
ports; the network engine enforces them, bridges of hosts do not.
"""

import random
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.common.sql.inserts import Inserts
from apps.common.sql.rows import Rows
from apps.networking import capabilities, exceptions, rpcapi, states
from apps.networking.models import Port, Subnet
from apps.networking.selectors import bindings as binding_selectors
from apps.networking.selectors import subnets as subnet_selectors
from apps.networking.selectors import trunks
from apps.networking.services import fixed_ips, forwarded_floating_ips, security_groups
from apps.networking.sql import bindings as sql
from apps.networking.values import PortFacts, RequestedNetwork

ATTEMPTS = 5

_PORTS = Inserts("networking_port_insert", Port)
_OF_SERVER = Rows(
    "networking_ports_of_server",
    lambda device: Port.objects.filter(device_id=device, request_index__isnull=False),
    {"device": str},
)


def new_mac() -> str:
    """Return a MAC address by chance, under OpenStack's prefix fa:16:3e."""
    return "fa:16:3e:{:02x}:{:02x}:{:02x}".format(*random.randbytes(3))


def allocate_for_server(
    *,
    server_id: uuid.UUID,
    project_id: str,
    host: str,
    requests: Sequence[RequestedNetwork],
    security_groups: Sequence[uuid.UUID] = (),
    hostname: str = "",
    zone: str = "nova",
) -> tuple[PortFacts, ...]:
    """Give a server its ports, one per request and in that order, bound to ``host``.

    Returns all that the host needs to plug them. Called again it returns the same ports, and moves them when ``host``
    is another. With ``security_groups`` empty the
    project's default group guards the new ports. All or nothing.

    Raises IpAddressGenerationFailure and PortInUse (409), FixedIpInUse and NetworkRequiresSubnet (400), and
    NetworkNotFound, PortNotFound, SecurityGroupNotFound (404) for rows that were deleted in between.
    """
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _allocate(
                    server_id=server_id,
                    project_id=project_id,
                    host=host,
                    requests=requests,
                    groups=security_groups,
                    hostname=hostname,
                    owner=f"{states.OWNER_COMPUTE}{zone}",
                )
        except (IntegrityError, OperationalError) as error:
            if attempt == ATTEMPTS - 1 or not is_worth_another_try(error):
                if isinstance(error, IntegrityError):
                    raise _vanished(error, requests, security_groups) from error
                raise
    raise AssertionError("unreachable")


def _vanished(error: IntegrityError, requests: Sequence[RequestedNetwork], groups: Sequence[uuid.UUID]) -> NotFound:
    """Translates a violated foreign key: a network or a group was deleted after the request was accepted."""
    if "security_group" in str(error):
        return exceptions.SecurityGroupNotFound(id=", ".join(str(group) for group in groups))
    return exceptions.NetworkNotFound(id=", ".join(str(request.network_id) for request in requests))


def is_worth_another_try(error: Exception) -> bool:
    """A MAC drawn twice, a doubled message in the same moment, two boots that wait for each other's address."""
    text = str(error)
    return any(name in text for name in ("port_mac_once_per_network", "port_one_per_request", "deadlock detected"))


def _allocate(
    *,
    server_id: uuid.UUID,
    project_id: str,
    host: str,
    requests: Sequence[RequestedNetwork],
    groups: Sequence[uuid.UUID],
    hostname: str,
    owner: str,
) -> tuple[PortFacts, ...]:
    present = _present(server_id=server_id, host=host)
    bound: dict[str, Any] = {
        "device_id": str(server_id), "device_owner": owner, "host": host, "hostname": hostname,
    }  # fmt: skip
    missing = [(index, request) for index, request in enumerate(requests) if index not in present]
    make([pair for pair in missing if pair[1].port_id is None], project_id=project_id, groups=groups, **bound)
    for index, request in missing:
        if request.port_id is not None:
            bind(request.port_id, project_id=project_id, request_index=index, **bound)
    rpcapi.changed(servers=[server_id])
    return binding_selectors.specs_for_server(server_id=server_id)


def make(
    requests: Sequence[tuple[int, RequestedNetwork]],
    *,
    project_id: str,
    groups: Sequence[uuid.UUID],
    keys: Sequence[uuid.UUID] = (),
    **bound: Any,
) -> None:
    """Make bound ports with their addresses and groups, for interfaces by their numbers. ``keys``: the ports' ids."""
    if not requests:
        return
    subnets = _subnets([request for _, request in requests], project_id)
    named = [{"id": key} for key in keys] or [{}] * len(requests)
    rows = [
        Port(
            network_id=request.network_id,
            project_id=project_id,
            mac_address=new_mac(),
            request_index=index,
            **key,
            **bound,
        )
        for (index, request), key in zip(requests, named, strict=True)
    ]
    _PORTS.add(rows)
    for row, (_, request) in zip(rows, requests, strict=True):
        _address(row, request, subnets.get(request.network_id, []))
    _guard(rows, project_id=project_id, groups=groups)


def _subnets(requests: Sequence[RequestedNetwork], project_id: str) -> dict[uuid.UUID, list[Subnet]]:
    """Return the subnets of the networks. Raises NetworkNotFound for one that is not shared with the project any more:
    that was so when the request was accepted.
    """
    shared = {request.network_id for request in requests if request.shared}
    others = {request.network_id for request in requests} - shared
    subnets = subnet_selectors.by_network(network_ids=others) if others else {}
    for network_id in shared:
        subnets[network_id] = subnet_selectors.of_shared(network_id=network_id, project_id=project_id)
        if not subnets[network_id]:
            raise exceptions.NetworkNotFound(id=network_id)
    return subnets


def _present(*, server_id: uuid.UUID, host: str) -> set[int]:
    """Return the interfaces that have their port already; ports on another host are moved to ``host``."""
    rows = _OF_SERVER.fetch(device=str(server_id))
    if any(row.host != host for row in rows):
        Port.objects.filter(id__in=[row.id for row in rows]).update(
            host=host, status=states.DOWN, updated_at=timezone.now()
        )
    return {int(row.request_index or 0) for row in rows}


def _address(port: Port, request: RequestedNetwork, subnets: Sequence[Subnet]) -> None:
    if not subnets:
        raise exceptions.NetworkRequiresSubnet(id=request.network_id)
    fixed_ips.add_automatic(port_id=port.id, mac=port.mac_address, subnets=subnets)
    if request.fixed_ip is None:
        fixed_ips.draw_each_version(port_id=port.id, network_id=request.network_id, subnets=subnets)
        return
    subnet = fixed_ips.subnet_of(request.fixed_ip, subnets)
    if subnet is None:
        raise exceptions.FixedIpInvalid(ip=request.fixed_ip, network_id=request.network_id)
    if not fixed_ips.take(port_id=port.id, subnet_id=subnet.id, ip=request.fixed_ip):
        raise exceptions.FixedIpInUse(ip=request.fixed_ip, network_id=request.network_id)


def _guard(rows: Sequence[Port], *, project_id: str, groups: Sequence[uuid.UUID]) -> None:
    chosen = list(groups) or [security_groups.ensure_default(project_id=project_id)]
    sql.GUARD.run({"ports": [row.id for row in rows], "groups": list(dict.fromkeys(chosen))})


def bind(port_id: uuid.UUID, *, project_id: str, **bound: Any) -> None:
    """Bind the user's own port to the server, if it is free. The update is the check."""
    own = Port.objects.filter(id=port_id, project_id=project_id)
    free = own.filter(device_id="", request_index=None).exclude(device_owner=states.OWNER_SUBPORT)
    if free.update(**bound, preserved=True, updated_at=timezone.now()):
        return
    if not own.exists():
        raise exceptions.PortNotFound(id=port_id)
    raise exceptions.PortInUse(id=port_id)


def release_for_server(*, server_id: uuid.UUID) -> int:
    """Delete the ports that were made for a server, and unbind the user's own. Absent is success. 2 statements, and 3
    for each floating IP that forwarded to a deleted port.

    Floating IPs of deleted ports are disassociated. Returns how many ports were deleted.
    """
    try:
        return _release(server_id)
    except IntegrityError:
        if connection.in_atomic_block:
            raise
        return _release(server_id)  # a floating IP was associated meanwhile, which the statement did not see


def _release(server_id: uuid.UUID) -> int:
    with transaction.atomic():
        rows = sql.RELEASE.fetch({"device": str(server_id)})
        deleted, floating_ips, forwarding = (
            [key for key, kind in rows if kind == wanted] for wanted in ("port", "floating_ip", "forwarding")
        )
        unbind(Port.objects.filter(device_id=str(server_id), request_index__isnull=False, preserved=True).values("id"))
        forwarded_floating_ips.follow_all(forwarding)
        rpcapi.changed(ports=deleted, floating_ips=floating_ips)
    return len(deleted)


def move_for_server(*, server_id: uuid.UUID, host: str) -> int:
    """Bind a server's ports to the host it is on, and to no other. Returns how many were bound to another."""
    rows = Port.objects.filter(device_id=str(server_id), request_index__isnull=False)
    moved = rows.exclude(host=host, moving_to="").update(host=host, moving_to="", updated_at=timezone.now())
    rpcapi.changed(servers=[server_id])
    return moved


def begin_move(*, server_id: uuid.UUID, host: str) -> None:
    """Have a server's ports on another host, too, until ``move_for_server``."""
    rows = Port.objects.filter(device_id=str(server_id), request_index__isnull=False).exclude(host=host)
    rows.update(moving_to=host, updated_at=timezone.now())
    rpcapi.changed(servers=[server_id])


def unbind(port_ids: Any) -> None:
    """Make bound ports free again."""
    if capabilities.has_engine():
        port_ids = list(Port.objects.filter(id__in=port_ids).values_list("id", flat=True))
        carried = trunks.carried(port_ids=port_ids) if port_ids else []
        Port.objects.filter(id__in=carried).update(status=states.DOWN, updated_at=timezone.now())
        rpcapi.changed(ports=[*port_ids, *carried])
    Port.objects.filter(id__in=port_ids).update(
        device_id="",
        device_owner="",
        request_index=None,
        preserved=False,
        host="",
        hostname="",
        moving_to="",
        status=states.DOWN,
        updated_at=timezone.now(),
    )


def set_status(*, port_ids: Iterable[uuid.UUID], status: str) -> None:
    """Record whether ports carry traffic: ACTIVE, DOWN, BUILD or ERROR. 1 statement."""
    assert status in states.PORT_STATUSES
    Port.objects.filter(id__in=list(port_ids)).exclude(status=status).update(status=status, updated_at=timezone.now())


def set_server_status(*, server_id: uuid.UUID, up: bool) -> None:
    """Record that a server's ports carry traffic, or that they do not. 1 statement."""
    sql.SET_STATUS.run({"status": states.ACTIVE if up else states.DOWN, "device": str(server_id)})
