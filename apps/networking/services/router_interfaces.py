"""A router's interfaces in networks: by a subnet, with its gateway's address, or by a port."""

import ipaddress
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, ranges, rpcapi, states
from apps.networking.models import FixedIP, FloatingIP, Port, PortForwarding, Router, RouterInterface, Subnet
from apps.networking.selectors import ports as port_selectors
from apps.networking.selectors import subnets as subnet_selectors
from apps.networking.services import address_scopes, extra_routes, quotas, service_ports, trunks


@dataclass(frozen=True, slots=True)
class Attachment:
    """What an addition or a removal was about."""

    port: Port
    subnet_ids: tuple[uuid.UUID, ...]


def add_subnet(*, context: RequestContext, router: Router, subnet_id: uuid.UUID) -> Attachment:
    """Put a router on a subnet, at the address of its gateway. A further IPv6 subnet of a network shares its port.

    Raises SubnetNotFound, RouterNotFound (404), RouterRefused (400), IpAddressAlreadyAllocated, OverQuota (409).
    """
    seen = subnet_selectors.get(context=context, subnet_id=subnet_id)
    if not context.is_admin and seen.project_id != context.project_id:
        text = f"Cannot add interface to router because subnet {subnet_id} is not owned by project making the request"
        raise exceptions.RouterRefused(reason=text)
    try:
        with transaction.atomic():
            quotas.check(resource="port", project_id=router.project_id)
            address_scopes.hold([seen])
            locked = lock(router)
            subnet = locks.subnet(subnet_id)
            _check_subnet(subnet)
            refuse_overlap(locked, [(str(subnet.gateway_ip), subnet)])
            address_scopes.check_router(locked.id, adding=[subnet])
            port = _shared_port(locked, subnet) or _new_port(locked, subnet)
            service_ports.take(port, subnet=subnet, ip=str(subnet.gateway_ip))
            _changed(locked)
    except (Subnet.DoesNotExist, IntegrityError):
        raise exceptions.SubnetNotFound(id=subnet_id) from None
    return Attachment(port, (subnet.id,))


def lock(router: Router) -> Router:
    """Lock a router and return it as it is now. Raises RouterNotFound (404)."""
    locked = locks.router(router.id)
    if locked is None:
        raise exceptions.RouterNotFound(id=router.id)
    return locked


def _check_subnet(subnet: Subnet) -> None:
    if not subnet.gateway_ip:
        raise exceptions.RouterRefused(reason="Subnet for router interface must have a gateway IP")
    if subnet.ip_version == 6 and subnet.ipv6_ra_mode is None and subnet.ipv6_address_mode is not None:
        text = f"IPv6 subnet {subnet.id} configured to receive RAs from an external router cannot be added to"
        raise exceptions.RouterRefused(reason=f"{text} Neutron Router.")


def refuse_overlap(router: Router, feet: Iterable[tuple[str, Subnet]]) -> None:
    """Refuse subnets that the router is on, and ranges that it knows already; ``feet`` are its new addresses there.

    An address outside of its subnet, which a gateway may be, brings another range. Raises RouterRefused (400).
    """
    held = [(fixed.ip_address, fixed.subnet) for fixed in extra_routes.addresses(router)]
    for ip, subnet in feet:
        known = _known(ip, subnet)
        for other_ip, other in held:
            if other.id == subnet.id:
                raise exceptions.RouterRefused(reason=f"Router already has a port on subnet {subnet.id}")
            if any(ranges.overlap(mine, theirs) for mine in known for theirs in _known(other_ip, other)):
                raise exceptions.RouterRefused(
                    reason=f"Cidr {subnet.cidr} of subnet {subnet.id} overlaps with cidr {other.cidr} of subnet "
                    f"{other.id}"
                )


def _known(ip: str, subnet: Subnet) -> list[ranges.Range]:
    """Return the ranges that a router knows by an address: the subnet's, and the one around the address."""
    cidr = ranges.network(subnet.cidr, field="cidr")
    return [cidr, ipaddress.ip_interface(f"{ip}/{cidr.prefixlen}").network]


def _shared_port(router: Router, subnet: Subnet) -> Port | None:
    """Return the router's port for the IPv6 subnets of a network, if it has one."""
    if subnet.ip_version != 6:
        return None
    own = Port.objects.filter(router_interface__router=router, network_id=subnet.network_id)
    return own.filter(fixed_ips__subnet__ip_version=6).first()


def _new_port(router: Router, subnet: Subnet) -> Port:
    port = service_ports.make(
        network_id=subnet.network_id,
        owner=states.OWNER_ROUTER_INTERFACE,
        device_id=router.id,
        project_id=router.project_id,
    )
    RouterInterface.objects.create(router=router, port=port)
    return port


def _changed(router: Router) -> None:
    Router.objects.filter(id=router.id).update(revision_number=F("revision_number") + 1, updated_at=timezone.now())
    rpcapi.changed(routers=[router.id])


def add_port(*, context: RequestContext, router: Router, port_id: uuid.UUID) -> Attachment:
    """Make a project's own port an interface of a router.

    Raises PortNotFound, RouterNotFound (404), RouterRefused (400), PortOfDevice and those of a port in a trunk (409).
    """
    if port_id not in port_selectors.usable(context=context, port_ids=[port_id]):
        raise exceptions.PortNotFound(id=port_id)
    with transaction.atomic():
        address_scopes.hold(Subnet.objects.filter(fixed_ips__port_id=port_id))
        locked = lock(router)
        port = locks.port(port_id)
        if port is None:
            raise exceptions.PortNotFound(id=port_id)
        trunks.refuse_use(port)
        _check_mac(port)
        if port.device_id or port.bound:
            raise exceptions.PortOfDevice(id=port.id, network_id=port.network_id, device_id=port.device_id)
        feet = [(fixed.ip_address, fixed.subnet) for fixed in port.fixed_ips.select_related("subnet").order_by("id")]
        subnets = [subnet for _, subnet in feet]
        _check_port(locked, port, subnets)
        refuse_overlap(locked, feet)
        address_scopes.check_router(locked.id, adding=subnets)
        RouterInterface.objects.create(router=locked, port=port)
        Port.objects.filter(id=port.id).update(
            device_id=str(router.id),
            device_owner=states.OWNER_ROUTER_INTERFACE,
            status=states.ACTIVE,
            revision_number=F("revision_number") + 1,
            updated_at=timezone.now(),
        )
        _changed(locked)
    return Attachment(port, tuple(subnet.id for subnet in subnets))


def _check_mac(port: Port) -> None:
    if ranges.is_group_mac(port.mac_address):
        reason = (
            f"Port {port.id} cannot be an interface: its MAC address {port.mac_address} is one of a group (multicast)"
        )
        raise exceptions.RouterRefused(reason=reason)


def _check_port(router: Router, port: Port, subnets: Sequence[Subnet]) -> None:
    if not subnets:
        raise exceptions.RouterRefused(reason="Router port must have at least one fixed IP")
    if sum(subnet.ip_version == 4 for subnet in subnets) > 1:
        raise exceptions.RouterRefused(reason="Cannot have multiple IPv4 subnets on router port")
    other = next((_shared_port(router, subnet) for subnet in subnets if subnet.ip_version == 6), None)
    if other is not None:
        raise exceptions.RouterRefused(
            reason="Cannot have multiple router ports with the same network id if both contain IPv6 subnets. Existing "
            f"port {other.id} has IPv6 subnet(s) and network id {port.network_id}"
        )


def remove(*, router: Router, subnet_id: uuid.UUID | None = None, port_id: uuid.UUID | None = None) -> Attachment:
    """Take a router off a subnet, or take an interface away with its port.

    Raises RouterInterfaceNotFound, RouterInterfaceNotFoundForSubnet (404), SubnetMismatchForPort (400),
    RouterInterfaceNeededByFloatingIp and RouterInterfaceNeededByRoute (409).
    """
    with transaction.atomic():
        locked = lock(router)
        port = _port_of(locked, subnet_id, port_id)
        fixed = list(FixedIP.objects.filter(port=port).select_related("subnet").order_by("id"))
        if port_id is not None and subnet_id is not None and all(item.subnet_id != subnet_id for item in fixed):
            raise exceptions.SubnetMismatchForPort(port_id=port_id, subnet_id=subnet_id)
        gone = [item for item in fixed if port_id is not None or item.subnet_id == subnet_id]
        for item in gone:
            _refuse_needed(locked, item.subnet)
        if len(gone) < len(fixed):
            locks.port(port.id)
            FixedIP.objects.filter(id__in=[item.id for item in gone]).delete()
        else:
            RouterInterface.objects.filter(port=port).delete()
            service_ports.remove([port.id])
        _changed(locked)
    return Attachment(port, tuple(item.subnet_id for item in gone))


def _port_of(router: Router, subnet_id: uuid.UUID | None, port_id: uuid.UUID | None) -> Port:
    own = Port.objects.filter(router_interface__router=router)
    if port_id is not None:
        port = own.filter(id=port_id).first()
        if port is None:
            raise exceptions.RouterInterfaceNotFound(id=router.id, port_id=port_id)
        return port
    port = own.filter(fixed_ips__subnet=subnet_id).first()
    if port is None:
        raise exceptions.RouterInterfaceNotFoundForSubnet(id=router.id, subnet_id=subnet_id)
    return port


def _refuse_needed(router: Router, subnet: Subnet) -> None:
    fixed = FixedIP.objects.filter(subnet=subnet)
    leading = FloatingIP.objects.filter(router=router, fixed_port__network_id=subnet.network_id)
    forwarded = PortForwarding.objects.filter(floating_ip__router=router, port__network_id=subnet.network_id)
    addresses = fixed.values("ip_address")
    if (
        leading.filter(fixed_ip_address__in=addresses).exists()
        or forwarded.filter(internal_ip_address__in=addresses).exists()
    ):
        raise exceptions.RouterInterfaceNeededByFloatingIp(id=router.id, subnet_id=subnet.id)
    if extra_routes.through(router.routes, subnet.cidr):
        raise exceptions.RouterInterfaceNeededByRoute(id=router.id, subnet_id=subnet.id)


def change_addresses(port: Port, wanted: Sequence[dict[str, object]]) -> None:
    """Move an interface to other addresses of the subnets that it is on. Its port is locked by the caller.

    Raises RouterRefused (400) for other subnets.
    """
    before = set(FixedIP.objects.filter(port=port).values_list("subnet_id", flat=True))
    service_ports.change_addresses(port, wanted)
    if set(FixedIP.objects.filter(port=port).values_list("subnet_id", flat=True)) != before:
        raise exceptions.RouterRefused(reason="an interface stays on its subnets; add another interface instead")
    rpcapi.changed(routers=RouterInterface.objects.filter(port=port).values_list("router_id", flat=True))
