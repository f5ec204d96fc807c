"""Checks the networks of a server request before anything is written. Nova's sentences.

Callers have asked policy what the caller may choose, and pass the answers (``InterfacePermissions``).
"""

import ipaddress
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.common.context import RequestContext
from apps.common.exceptions import PolicyForbidden
from apps.networking import exceptions, ranges, rpcapi
from apps.networking.models import FixedIP, Network, Port, Subnet
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors import ports as port_selectors
from apps.networking.selectors.sharing import is_shared_with
from apps.networking.services import fixed_ips, metadata_ports, quotas, ways_out
from apps.networking.values import InterfacePermissions, RequestedNetwork

AUTOMATIC_PREFIX = 24
ATTEMPTS = 16
CHOOSE_ADDRESS = "create_port:fixed_ips:ip_address"


def resolve(
    *,
    context: RequestContext,
    requested: Sequence[RequestedNetwork],
    permissions: InterfacePermissions,
    hostname: str = "",
) -> list[RequestedNetwork]:
    """Check the interfaces that a body asks for and return them with every network named. At most 5 queries.

    ``hostname`` is the server's, if it is known. Raises RequestedNetworkNotFound, RequestedPortNotFound,
    NetworkRequiresSubnet, PortRequiresFixedIp, FixedIpInvalid, FixedIpInUse, PortMacUnusable, PortNotUsableDns (400),
    ExternalNetworkForbidden, PolicyForbidden (403) for an address that the caller may not choose, PortInUse (409).
    """
    network_ids = {wanted.network_id for wanted in requested if wanted.port_id is None}
    networks = network_selectors.usable(context=context, network_ids=network_ids)
    port_ids = {wanted.port_id for wanted in requested if wanted.port_id is not None}
    ports = port_selectors.usable(context=context, port_ids=port_ids)
    used: set[uuid.UUID] = set()
    resolved = []
    for wanted in requested:
        if wanted.port_id is not None:
            port = _port(wanted.port_id, ports, hostname)
            if port.id in used:
                raise exceptions.PortInUse(id=port.id)
            used.add(port.id)
            resolved.append(replace(wanted, network_id=port.network_id, fixed_ip=None))
        else:
            network = _network(wanted.network_id, networks, context, permissions)
            fixed_ip = _fixed_ip(wanted.fixed_ip, network, permissions)
            resolved.append(replace(wanted, fixed_ip=fixed_ip, shared=_is_by_sharing(network, context)))
    _check_free(resolved)
    return resolved


def _port(port_id: uuid.UUID, ports: Mapping[uuid.UUID, Port], hostname: str) -> Port:
    port = ports.get(port_id)
    if port is None:
        raise exceptions.RequestedPortNotFound(id=port_id)
    if port.device_id:
        raise exceptions.PortInUse(id=port.id)
    if not port.fixed_ips.all():
        raise exceptions.PortRequiresFixedIp(id=port.id)
    if ranges.is_group_mac(port.mac_address):
        raise exceptions.PortMacUnusable(id=port.id, mac=port.mac_address)
    if hostname and port.dns_name not in ("", hostname.lower()):
        raise exceptions.PortNotUsableDns(id=port.id, name=port.dns_name, hostname=hostname)
    return port


def _network(
    network_id: uuid.UUID,
    networks: Mapping[uuid.UUID, Network],
    context: RequestContext,
    permissions: InterfacePermissions,
) -> Network:
    network = networks.get(network_id)
    if network is None:
        raise exceptions.RequestedNetworkNotFound(id=network_id)
    if not network.subnets.all():
        raise exceptions.NetworkRequiresSubnet(id=network.id)
    foreign = network.external and network.project_id != context.project_id
    if foreign and not permissions.external and not is_shared_with(network, context.project_id):
        raise exceptions.ExternalNetworkForbidden(id=network.id)
    return network


def _is_by_sharing(network: Network, context: RequestContext) -> bool:
    """Say whether the caller may use a network only because it is shared with the project."""
    foreign = not context.is_admin and network.project_id != context.project_id
    return foreign and is_shared_with(network, context.project_id)


def _fixed_ip(text: str | None, network: Network, permissions: InterfacePermissions) -> str | None:
    if not text:
        return None
    if network.id not in permissions.addresses_on:
        raise PolicyForbidden(rule=CHOOSE_ADDRESS)
    try:
        ip = str(ipaddress.ip_address(text))
    except ValueError:
        raise exceptions.FixedIpInvalid(ip=text[:64], network_id=network.id) from None
    subnet = None if "%" in ip else fixed_ips.subnet_of(ip, list(network.subnets.all()))
    if subnet is None or (subnet.ip_version == 6 and ranges.is_automatic(subnet)):
        raise exceptions.FixedIpInvalid(ip=ip[:64], network_id=network.id)
    if any(subnet.gateway_ip == ip for subnet in network.subnets.all()):
        raise exceptions.FixedIpInUse(ip=ip, network_id=network.id)
    return ip


def _check_free(resolved: Sequence[RequestedNetwork]) -> None:
    wanted = [(each.network_id, each.fixed_ip) for each in resolved if each.fixed_ip is not None]
    if not wanted:
        return
    held = set(
        FixedIP.objects.filter(
            ip_address__in=[ip for _, ip in wanted], subnet__network_id__in=[network_id for network_id, _ in wanted]
        ).values_list("subnet__network_id", "ip_address")
    )
    for index, pair in enumerate(wanted):
        if pair in held or pair in wanted[:index]:
            raise exceptions.FixedIpInUse(ip=pair[1], network_id=pair[0])


def automatic(*, context: RequestContext, create: bool = True) -> RequestedNetwork | None:
    """Return the network of a server that asked for "auto".

    That is the project's only own network, else the only shared one, else one that is made for the project (with
    ``create`` False: None). Raises NetworkAmbiguous (409) when there are several, OverQuota (409) where the project may
    not have the one that is made. At most 2 queries if one exists.
    """
    project_id = context.project_id or ""
    candidates = network_selectors.owned(project_id=project_id) or network_selectors.shared(project_id=project_id)
    if len(candidates) > 1:
        raise exceptions.NetworkAmbiguous
    if candidates:
        return RequestedNetwork(network_id=candidates[0].id, shared=_is_by_sharing(candidates[0], context))
    return RequestedNetwork(network_id=make_automatic(project_id=project_id)) if create else None


def automatic_range(index: int) -> ipaddress.IPv4Network:
    """Return the range number ``index`` of those that are given out to projects by themselves."""
    pool = ipaddress.ip_network(settings.AUTOMATIC_NETWORK_POOL)
    assert isinstance(pool, ipaddress.IPv4Network)
    first = int(pool.network_address) + index * 2 ** (32 - AUTOMATIC_PREFIX)
    return ipaddress.IPv4Network((first, AUTOMATIC_PREFIX))


def make_automatic(*, project_id: str) -> uuid.UUID:
    """Make a project's own network in a range that no other automatic network has; of two makers one wins.

    Raises OverQuota (409).
    """
    pool = ipaddress.ip_network(settings.AUTOMATIC_NETWORK_POOL)
    count = 2 ** (AUTOMATIC_PREFIX - pool.prefixlen)
    for _ in range(ATTEMPTS):
        taken = set(Network.objects.filter(automatic_range__isnull=False).values_list("automatic_range", flat=True))
        free = [index for index in range(count) if index not in taken]
        if not free:
            break
        try:
            with transaction.atomic():
                return _write_automatic(project_id=project_id, index=random.choice(free))
        except (IntegrityError, exceptions.OverQuota) as error:
            network = Network.objects.filter(project_id=project_id, automatic_range__isnull=False).first()
            if network is not None:  # another request was faster, and may have used the last of the quota
                return network.id
            if isinstance(error, exceptions.OverQuota):
                raise
    raise exceptions.IpAddressGenerationFailure(id="auto", network_id="auto")


def _write_automatic(*, project_id: str, index: int) -> uuid.UUID:
    quotas.check(resource="network", project_id=project_id)
    quotas.check(resource="subnet", project_id=project_id)
    cidr = automatic_range(index)
    gateway = ranges.default_gateway(cidr)
    network = Network.objects.create(
        project_id=project_id,
        name="auto_allocated_network",
        mtu=settings.NETWORK_MTU,
        automatic_range=index,
    )
    subnet = Subnet.objects.create(
        project_id=project_id,
        network=network,
        name="auto_allocated_subnet",
        cidr=str(cidr),
        gateway_ip=str(gateway),
        allocation_pools=ranges.pool_documents(ranges.default_pools(cidr, gateway)),
        dns_nameservers=list(settings.DNS_NAMESERVERS),
    )
    metadata_ports.update(subnet)
    rpcapi.changed(networks=[network.id])
    ways_out.add_default_router(network)
    return network.id
