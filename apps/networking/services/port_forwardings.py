"""Writing port forwardings of floating IPs. Callers have checked policy (``api/permissions.py``).

Locks: the router that the floating IP leads through, then ports, then the floating IP.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, states
from apps.networking.models import FixedIP, FloatingIP, Port, PortForwarding
from apps.networking.selectors import port_forwardings as selectors
from apps.networking.selectors import ports as port_selectors
from apps.networking.selectors import routers
from apps.networking.services import floating_ips, forwarded_floating_ips

MAX_PORTS = 1000  # external ports of one floating IP, of all its forwardings: each becomes an entry of the engine's


@dataclass(frozen=True, slots=True)
class _Ends:
    """What a forwarding is to be: where from, where to."""

    protocol: str
    external: tuple[int, int]
    internal: tuple[int, int]
    port: Port
    fixed: FixedIP
    description: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "protocol": self.protocol,
            "external_start": self.external[0],
            "external_end": self.external[1],
            "internal_start": self.internal[0],
            "internal_end": self.internal[1],
            "port_id": self.port.id,
            "internal_ip_address": self.fixed.ip_address,
            "description": self.description,
        }


def create(*, context: RequestContext, floating_ip: FloatingIP, values: dict[str, Any]) -> PortForwarding:
    """Have ports of a floating IP lead to ports of a fixed address (``values``: ``external`` and ``internal`` ranges).

    Raises PortForwardingRefused (400), PortNotFound, FloatingIpNotFound (404), FloatingIpPortAssociated and
    PortHasFloatingIp (409).
    """
    ends = _ends(context, floating_ip, values)
    with transaction.atomic():
        locked = _lock(floating_ip, ends)
        _check(locked, ends)
        made = PortForwarding.objects.create(floating_ip=locked, project_id=locked.project_id, **ends.columns)
        forwarded_floating_ips.follow(locked)
    return selectors.get(context=context, floating_ip_id=floating_ip.id, forwarding_id=made.id)


def update(*, context: RequestContext, forwarding: PortForwarding, values: dict[str, Any]) -> PortForwarding:
    """Change a forwarding. Raises the errors of ``create``, and PortForwardingNotFound (404)."""
    ends = _ends(context, forwarding.floating_ip, {**_held(forwarding), **values})
    with transaction.atomic():
        locked = _lock(forwarding.floating_ip, ends)
        _check(locked, ends, but=forwarding)
        changed = PortForwarding.objects.filter(id=forwarding.id).update(
            **ends.columns, revision_number=F("revision_number") + 1, updated_at=timezone.now()
        )
        if not changed:
            raise exceptions.PortForwardingNotFound(id=forwarding.id)
        forwarded_floating_ips.follow(locked)
    return selectors.get(context=context, floating_ip_id=locked.id, forwarding_id=forwarding.id)


def _held(forwarding: PortForwarding) -> dict[str, Any]:
    return {
        "protocol": forwarding.protocol,
        "external": (forwarding.external_start, forwarding.external_end),
        "internal": (forwarding.internal_start, forwarding.internal_end),
        "internal_port_id": forwarding.port_id,
        "internal_ip_address": forwarding.internal_ip_address,
        "description": forwarding.description,
    }


def _ends(context: RequestContext, floating_ip: FloatingIP, values: dict[str, Any]) -> _Ends:
    external, internal = values["external"], values["internal"]
    if internal[0] != internal[1] and internal[1] - internal[0] != external[1] - external[0]:
        raise exceptions.PortForwardingRefused(
            reason="Invalid ranges of internal and/or external ports. The relation between internal and external ports "
            "must be N-N or 1-N"
        )
    port = _internal_port(context, floating_ip, values["internal_port_id"])
    fixed = _fixed(port, values.get("internal_ip_address"))
    return _Ends(values["protocol"], external, internal, port, fixed, values.get("description", ""))


def _internal_port(context: RequestContext, floating_ip: FloatingIP, port_id: uuid.UUID) -> Port:
    port = port_selectors.visible(context=context).filter(id=port_id).first()
    if port is None:
        raise exceptions.PortNotFound(id=port_id)
    if port.project_id != floating_ip.project_id and not context.is_admin:
        raise exceptions.PortForwardingRefused(
            reason=f"Cannot forward ports of floating IP {floating_ip.id} to Port {port.id}, since that port is owned "
            "by a different tenant"
        )
    if port.device_owner.startswith(states.OWNER_NETWORK):
        raise exceptions.PortForwardingRefused(reason=f"Port {port.id} has device owner {port.device_owner}")
    return port


def _fixed(port: Port, ip: str | None) -> FixedIP:
    held = [fixed for fixed in port.fixed_ips.all() if ":" not in fixed.ip_address]
    if not held:
        text = f"Requested internal port {port.id} must allocate an IPv4 address at least"
        raise exceptions.PortForwardingRefused(reason=text)
    matches = [fixed for fixed in held if ip in (None, fixed.ip_address)]
    if not matches:
        listed = ", ".join(fixed.ip_address for fixed in held)
        raise exceptions.PortForwardingRefused(
            reason=f"Requested internal IP address {ip} is not suitable for internal neutron port {port.id}, as its "
            f"fixed_ips are {listed}"
        )
    return matches[0]


def _lock(floating_ip: FloatingIP, ends: _Ends) -> FloatingIP:
    """Hold what a forwarding rests on: the router, the port's address and the floating IP, which gets the router."""
    network_id, router_id = floating_ip.floating_network_id, floating_ip.router_id
    leading = routers.leading_to(subnet_ids=[ends.fixed.subnet_id], external_network_id=network_id)
    if router_id not in leading:
        _refuse_router(floating_ip, ends, is_reachable=bool(leading) and router_id is None)
        router_id = leading[0]
    assert router_id is not None
    router = locks.router(router_id)
    if locks.port(ends.port.id) is None:
        raise exceptions.PortNotFound(id=ends.port.id)
    _fixed(port_selectors.with_parts().get(id=ends.port.id), ends.fixed.ip_address)
    still = routers.leading_to(subnet_ids=[ends.fixed.subnet_id], external_network_id=network_id)
    if router is None or router.id not in still:
        _refuse_router(floating_ip, ends, is_reachable=False)
    locked = floating_ips.lock(floating_ip)
    if locked.router_id not in (None, router_id):
        _refuse_router(locked, ends, is_reachable=False)
    locked.router_id = router_id
    return locked


def _refuse_router(floating_ip: FloatingIP, ends: _Ends, *, is_reachable: bool) -> None:
    if is_reachable:
        return
    if floating_ip.router_id is not None:
        raise exceptions.PortForwardingRefused(
            reason=f"The Floating IP {floating_ip.id} had been set on router {floating_ip.router_id}, the internal "
            f"Neutron port {ends.port.id} can not reach it"
        )
    raise exceptions.PortForwardingRefused(
        reason=f"External network {floating_ip.floating_network_id} is not reachable from subnet "
        f"{ends.fixed.subnet_id}. Cannot set Port forwarding for port {ends.port.id} with Floating IP {floating_ip.id}"
    )


def _check(floating_ip: FloatingIP, ends: _Ends, *, but: PortForwarding | None = None) -> None:
    """Refuse a forwarding beside an association, and one whose ports are forwarded already."""
    if floating_ip.fixed_port_id is not None:
        raise exceptions.FloatingIpPortAssociated(
            ip=floating_ip.floating_ip_address,
            id=floating_ip.id,
            port_id=ends.port.id,
            fixed_ip=ends.fixed.ip_address,
            network_id=floating_ip.floating_network_id,
        )
    if (leading := FloatingIP.objects.filter(fixed_port_id=ends.port.id).first()) is not None:
        raise exceptions.PortHasFloatingIp(
            ip=leading.floating_ip_address, id=leading.id, port_id=ends.port.id, fixed_ip=ends.fixed.ip_address
        )
    others = PortForwarding.objects.exclude(id=but.id if but else uuid.UUID(int=0))
    inside = others.filter(port_id=ends.port.id, internal_ip_address=ends.fixed.ip_address, protocol=ends.protocol)
    _refuse_collision(inside, "internal", ends.internal)
    outside = others.filter(floating_ip=floating_ip)
    _refuse_collision(outside.filter(protocol=ends.protocol), "external", ends.external)
    ranges = [*outside.values_list("external_start", "external_end"), ends.external]
    if sum(high - low + 1 for low, high in ranges) > MAX_PORTS:
        raise exceptions.PortForwardingRefused(
            reason=f"Floating IP {floating_ip.id} would forward more than {MAX_PORTS} ports"
        )


def _refuse_collision(rows: QuerySet[PortForwarding], end: str, ports: tuple[int, int]) -> None:
    low, high = ports
    other = rows.filter(Q(**{f"{end}_start__lte": high, f"{end}_end__gte": low})).first()
    if other is not None:
        raise exceptions.PortForwardingRefused(
            reason=f"There is a port collision with the {end}_port_range. The following ranges collide: "
            f"{getattr(other, f'{end}_range')} and {low}:{high}"
        )


def delete(*, forwarding: PortForwarding) -> None:
    """Delete a forwarding. Raises PortForwardingNotFound (404)."""
    with transaction.atomic():
        locks.port(forwarding.port_id)  # first, as who deletes the port's server holds it
        locked = floating_ips.lock(forwarding.floating_ip)
        if not PortForwarding.objects.filter(id=forwarding.id).delete()[0]:
            raise exceptions.PortForwardingNotFound(id=forwarding.id)
        forwarded_floating_ips.follow(locked)


def delete_of_port(*, port_id: uuid.UUID, ips: Iterable[str] | None = None) -> None:
    """Delete the forwardings that lead to a locked port: all, or those to the fixed addresses ``ips``."""
    rows = PortForwarding.objects.filter(port_id=port_id)
    if ips is not None:
        rows = rows.filter(internal_ip_address__in=list(ips))
    for floating_ip_id in sorted(set(rows.values_list("floating_ip_id", flat=True))):
        locked = locks.floating_ip(floating_ip_id)
        if locked is not None:
            rows.filter(floating_ip=locked).delete()
            forwarded_floating_ips.follow(locked)


def delete_of_floating_ip(*, floating_ip: FloatingIP) -> None:
    """Delete all forwardings of a floating IP."""
    with transaction.atomic():
        locks.ports(PortForwarding.objects.filter(floating_ip=floating_ip).values_list("port_id", flat=True))
        locked = floating_ips.lock(floating_ip)
        if PortForwarding.objects.filter(floating_ip=locked).delete()[0]:
            forwarded_floating_ips.follow(locked)
