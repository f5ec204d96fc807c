"""Writing floating IPs. Callers have checked policy (``api/permissions.py``).

Locks: the router that a floating IP is to lead through, then ports, then the floating IP.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, rpcapi, states
from apps.networking.models import FixedIP, FloatingIP, Network, Port, PortForwarding, Subnet
from apps.networking.selectors import floating_ips as selectors
from apps.networking.selectors import networks, routers
from apps.networking.selectors import ports as port_selectors
from apps.networking.services import fixed_ips, ownership, qos_policies, quotas, service_ports

_PLAIN = ("description", "qos_policy_id")
_LOOSE = {"fixed_port": None, "fixed_ip_address": None, "router": None, "status": states.DOWN}


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a floating IP is to lead."""

    port_id: uuid.UUID
    ip: str
    router_id: uuid.UUID

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "fixed_port_id": self.port_id,
            "fixed_ip_address": self.ip,
            "router_id": self.router_id,
            "status": states.ACTIVE,
        }


def create(*, context: RequestContext, values: dict[str, Any]) -> FloatingIP:
    """Make a floating IP with a free address of an external network, or the one asked for, and associate it.

    Raises FloatingIpRefused and errors of addresses (400), ExternalGatewayNotFound, PortNotFound (404), OverQuota,
    IpAddressAlreadyAllocated, IpAddressGenerationFailure, FloatingIpPortAssociated (409).
    """
    project_id = ownership.of(context=context, values=values)
    network = _external(context, values["floating_network_id"])
    qos_policies.check_change(context=context, values=values)
    key = uuid.uuid4()
    with transaction.atomic():
        quotas.check(resource="floatingip", project_id=project_id)
        target = _target(context, project_id, network.id, values) if _is_association(values) else None
        if target is not None:
            _lock_target(target, network.id)
        port = service_ports.make_external(
            network_id=network.id, owner=states.OWNER_FLOATING_IP, device_id=key, status=states.NOT_APPLICABLE
        )
        ip = _address(port, values)
        if target is not None:
            _refuse_second(target, network.id, floating_ip_id=key, ip=ip)
        FloatingIP.objects.create(
            id=key,
            project_id=project_id,
            description=values.get("description", ""),
            qos_policy_id=values.get("qos_policy_id"),
            dns_name=values.get("dns_name", ""),
            dns_domain=values.get("dns_domain", ""),
            floating_network=network,
            floating_port=port,
            floating_ip_address=ip,
            auto_assigned=values.get("auto_assigned", False),
            **(target.columns if target else {}),
        )
        qos_policies.keep(context=context, policy_id=values.get("qos_policy_id"))
        rpcapi.changed(floating_ips=[key] if target else [])
    return selectors.get(context=context, floating_ip_id=key)


def _external(context: RequestContext, network_id: uuid.UUID) -> Network:
    network = networks.visible(context=context).filter(id=network_id, external=True).first()
    if network is None:
        raise exceptions.FloatingIpRefused(reason=f"Network {network_id} is not a valid external network")
    if not any(subnet.ip_version == 4 for subnet in network.subnets.all()):
        raise exceptions.FloatingIpRefused(reason=f"Network {network_id} does not contain any IPv4 subnet")
    return network


def _address(port: Port, values: dict[str, Any]) -> str:
    """Give a floating IP's port its address and return it."""
    subnets = list(Subnet.objects.filter(network_id=port.network_id, ip_version=4).order_by("created_at", "id"))
    if wanted := values.get("subnet_id"):
        subnets = [subnet for subnet in subnets if subnet.id == wanted]
        if not subnets:
            text = f"Failed to create port on network {port.network_id}, because fixed_ips included invalid subnet"
            raise exceptions.InvalidInput(reason=f"{text} {wanted}")
    if ip := values.get("floating_ip_address"):
        return _chosen(port, subnets, ip)
    for subnet in subnets:
        if drawn := fixed_ips.draw(port_id=port.id, subnet=subnet):
            return drawn
    raise exceptions.IpAddressGenerationFailure(network_id=port.network_id)


def _chosen(port: Port, subnets: Iterable[Subnet], ip: str) -> str:
    subnet = fixed_ips.subnet_of(ip, list(subnets))
    if subnet is None:
        raise exceptions.InvalidIpForNetwork(ip=ip)
    if subnet.gateway_ip == ip:
        raise exceptions.IpAddressInUse(ip=ip, network_id=port.network_id)
    service_ports.take(port, subnet=subnet, ip=ip)
    return ip


def update(
    *, context: RequestContext, floating_ip: FloatingIP, values: dict[str, Any], revision: int | None = None
) -> FloatingIP:
    """Move a floating IP to another port or address, or set it loose (``port_id`` None).

    With ``revision`` it has to be at that one (RevisionChanged, 412). Raises the errors of an association.
    """
    qos_policies.check_change(context=context, values=values, held_id=floating_ip.qos_policy_id)
    with transaction.atomic():
        columns: dict[str, Any] = {key: values[key] for key in _PLAIN if key in values}
        target = None
        if _is_association(values):
            target = _target(context, floating_ip.project_id, floating_ip.floating_network_id, values)
            _lock_target(target, floating_ip.floating_network_id)
        locked = lock(floating_ip, revision)
        forwards = PortForwarding.objects.filter(floating_ip=locked).exists()
        if target is not None:
            if forwards:
                raise exceptions.FloatingIpForwardsPorts(id=locked.id)
            network_id = locked.floating_network_id
            _refuse_second(target, network_id, floating_ip_id=locked.id, ip=locked.floating_ip_address)
            columns |= target.columns
        elif "port_id" in values and not forwards:
            columns |= _LOOSE
        if "port_id" in values:  # it is the project's own from now on
            columns["auto_assigned"] = False
        FloatingIP.objects.filter(id=locked.id).update(
            **columns, revision_number=F("revision_number") + 1, updated_at=timezone.now()
        )
        qos_policies.keep(context=context, policy_id=values.get("qos_policy_id"), held_id=floating_ip.qos_policy_id)
        rpcapi.changed(floating_ips=[locked.id])
    return selectors.get(context=context, floating_ip_id=floating_ip.id)


def lock(floating_ip: FloatingIP, revision: int | None = None) -> FloatingIP:
    """Lock a floating IP and return it as it is now. Raises FloatingIpNotFound (404), RevisionChanged (412)."""
    locked = locks.floating_ip(floating_ip.id)
    if locked is None:
        raise exceptions.FloatingIpNotFound(id=floating_ip.id)
    if revision is not None and locked.revision_number != revision:
        raise exceptions.RevisionChanged(expected=revision, actual=locked.revision_number)
    return locked


def _is_association(values: dict[str, Any]) -> bool:
    if values.get("fixed_ip_address") and not values.get("port_id"):
        raise exceptions.FloatingIpRefused(reason="fixed_ip_address cannot be specified without a port_id")
    return values.get("port_id") is not None


def _target(
    context: RequestContext, project_id: str, external_network_id: uuid.UUID, values: dict[str, Any]
) -> _Target:
    """Find the address and the router that an association means."""
    port = port_selectors.visible(context=context).filter(id=values["port_id"]).first()
    if port is None:
        raise exceptions.PortNotFound(id=values["port_id"])
    if port.project_id != project_id and not context.is_admin:
        raise exceptions.FloatingIpRefused(
            reason=f"Cannot process floating IP association with Port {port.id}, since that port is owned by a "
            "different tenant"
        )
    if port.device_owner.startswith(states.OWNER_NETWORK):
        raise exceptions.FloatingIpRefused(reason=f"Port {port.id} has device owner {port.device_owner}")
    fixed = _fixed(port, values.get("fixed_ip_address"))
    leading = routers.leading_to(subnet_ids=[fixed.subnet_id], external_network_id=external_network_id)
    if not leading:
        raise exceptions.ExternalGatewayNotFound(
            network_id=external_network_id, subnet_id=fixed.subnet_id, port_id=port.id
        )
    return _Target(port.id, fixed.ip_address, leading[0])


def _fixed(port: Port, ip: str | None) -> FixedIP:
    held = [fixed for fixed in port.fixed_ips.all() if ":" not in fixed.ip_address]
    if ip is not None:
        if ":" in ip:
            text = f"Cannot process floating IP association with {ip}, since that is not an IPv4 address"
            raise exceptions.FloatingIpRefused(reason=text)
        matches = [fixed for fixed in held if fixed.ip_address == ip]
        if not matches:
            raise exceptions.FloatingIpRefused(reason=f"Port {port.id} does not have fixed ip {ip}")
        return matches[0]
    if not held:
        text = f"Cannot add floating IP to port {port.id} that has no fixed IPv4 addresses"
        raise exceptions.FloatingIpRefused(reason=text)
    if len(held) > 1:
        raise exceptions.FloatingIpRefused(
            reason=f"Port {port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when "
            "assigning a floating IP"
        )
    return held[0]


def _lock_target(target: _Target, network_id: uuid.UUID) -> None:
    """Hold what an association rests on: the router's interface and gateway, and the port's address.

    Raises PortNotFound, ExternalGatewayNotFound (404) and FloatingIpRefused (400) when a concurrent request took one
    away.
    """
    router = locks.router(target.router_id)
    if locks.port(target.port_id) is None:
        raise exceptions.PortNotFound(id=target.port_id)
    fixed = FixedIP.objects.filter(port_id=target.port_id, ip_address=target.ip).first()
    if fixed is None:
        raise exceptions.FloatingIpRefused(reason=f"Port {target.port_id} does not have fixed ip {target.ip}")
    if router is None or router.id not in routers.leading_to(
        subnet_ids=[fixed.subnet_id], external_network_id=network_id
    ):
        raise exceptions.ExternalGatewayNotFound(
            network_id=network_id, subnet_id=fixed.subnet_id, port_id=target.port_id
        )


def _refuse_second(target: _Target, network_id: uuid.UUID, *, floating_ip_id: uuid.UUID, ip: str) -> None:
    if PortForwarding.objects.filter(port_id=target.port_id).exists():
        raise exceptions.PortHasPortForwarding(port_id=target.port_id)
    others = FloatingIP.objects.filter(
        fixed_port_id=target.port_id, fixed_ip_address=target.ip, floating_network_id=network_id
    )
    if others.exclude(id=floating_ip_id).exists():
        raise exceptions.FloatingIpPortAssociated(
            ip=ip, id=floating_ip_id, port_id=target.port_id, fixed_ip=target.ip, network_id=network_id
        )


def loosen(*, port_id: uuid.UUID, ips: Iterable[str] | None = None) -> None:
    """Disassociate the floating IPs of a locked port: all, or those of the fixed addresses ``ips``."""
    rows = FloatingIP.objects.filter(fixed_port_id=port_id)
    if ips is not None:
        rows = rows.filter(fixed_ip_address__in=list(ips))
    keys = list(rows.values_list("id", flat=True))
    if keys:  # the statement passes over those that were moved to another port meanwhile
        rows.filter(id__in=keys).update(**_LOOSE, revision_number=F("revision_number") + 1, updated_at=timezone.now())
        rpcapi.changed(floating_ips=keys)


def delete(*, floating_ip: FloatingIP, revision: int | None = None) -> None:
    """Give a floating IP's address back. With ``revision`` it has to be at that one (RevisionChanged, 412)."""
    try:
        with transaction.atomic():
            locks.ports_to_delete([floating_ip.floating_port_id])
            locked = lock(floating_ip, revision)
            if PortForwarding.objects.filter(floating_ip=locked).exists():
                raise exceptions.FloatingIpForwardsPorts(id=locked.id)
            rpcapi.changed(floating_ips=[locked.id])
            locked.delete()
            service_ports.remove([floating_ip.floating_port_id])
    except IntegrityError:
        raise exceptions.FloatingIpNotFound(id=floating_ip.id) from None


def delete_loose(*, network_id: uuid.UUID) -> None:
    """Delete the floating IPs of a locked network that lead nowhere, as Neutron does when it goes."""
    loose = FloatingIP.objects.filter(floating_network_id=network_id, router__isnull=True)
    ports = list(loose.values_list("floating_port_id", flat=True))
    if ports:
        locks.ports_to_delete(ports)
        loose.filter(floating_port_id__in=ports).delete()
        service_ports.remove(ports)
