"""Maps routers and floating IPs to the specs of the network engine. What none could take is left out."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from apps.networking.values import ProgrammedFloatingIP, ProgrammedForwarding, ProgrammedInterface, ProgrammedRouter
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base import HostRoute
from workers.drivers.network.base.l3 import (
    Advertisement,
    FloatingIPSpec,
    ForwardingSpec,
    RouterGateway,
    RouterInterface,
    RouterSpec,
)
from workers.mapping import refusals
from workers.mapping.networks import address_mode
from workers.mapping.qos import qos_spec

MAX_GATEWAY_HOSTS = 5  # one carries the traffic, the others watch it


def router_specs(
    routers: Iterable[ProgrammedRouter], hosts: Sequence[str], *, networks: Collection[str]
) -> list[RouterSpec]:
    """Return the routers' specs, each with its feet in those networks that are programmed."""
    return [spec for router in routers if (spec := router_spec(router, hosts, networks=networks)) is not None]


def router_spec(facts: ProgrammedRouter, hosts: Sequence[str], *, networks: Collection[str]) -> RouterSpec | None:
    """Return a router's spec; None if no engine could take it."""
    try:
        feet = [_foot(foot) for foot in facts.interfaces if _is_programmable(foot, networks)]
        return RouterSpec(
            id=str(facts.id),
            interfaces=tuple(feet),
            gateway=_gateway(facts, hosts) if facts.gateway and _is_programmable(facts.gateway, networks) else None,
            routes=tuple(HostRoute(destination=to, nexthop=via) for to, via in facts.routes),
            admin_up=facts.admin_state_up,
        )
    except SpecInvalid as error:
        refusals.add(f"router {facts.id}", error)
        return None


def gateway_hosts(router_id: uuid.UUID, hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts that may be a router's gateway, the first that lives is: spread over routers, and stable.

    A host that comes or goes changes nothing for routers that it is not among the first of (rendezvous hashing).
    """
    weigh = {host: hashlib.sha256(f"{router_id} {host}".encode()).digest() for host in hosts}
    return tuple(sorted(weigh, key=weigh.__getitem__)[:MAX_GATEWAY_HOSTS])


def floating_ip_specs(
    floating_ips: Iterable[ProgrammedFloatingIP], *, routers: Iterable[RouterSpec]
) -> list[FloatingIPSpec]:
    """Return the specs of the floating IPs of those routers that are programmed."""
    specs, programmed = [], {router.id: router for router in routers}
    for facts in floating_ips:
        router = programmed.get(str(facts.router_id))
        if router is None or not facts.leads:
            continue
        try:
            specs.append(_floating_ip_spec(facts, router))
        except SpecInvalid as error:
            refusals.add(f"floating IP {facts.id}", error)
    return specs


def _floating_ip_spec(facts: ProgrammedFloatingIP, router: RouterSpec) -> FloatingIPSpec:
    gateway = router.gateway.interface if router.gateway is not None else None
    limits: dict[str, Any] = {}
    if gateway is not None and (qos := qos_spec(facts.qos)) is not None:
        limits = {"qos": qos, "gateway": (gateway.network_id, gateway.port_id)}
    if facts.fixed_ip:
        return FloatingIPSpec(str(facts.id), router.id, facts.ip, facts.fixed_ip, **limits)
    forwardings = tuple(spec for item in facts.forwardings for spec in _forwarding_specs(item))
    networks = tuple(dict.fromkeys(foot.network_id for foot in router.interfaces))
    return FloatingIPSpec(str(facts.id), router.id, facts.ip, forwardings=forwardings, network_ids=networks, **limits)


def _forwarding_specs(facts: ProgrammedForwarding) -> Iterator[ForwardingSpec]:
    """Yield a spec for each external port."""
    (first, last), (inside, inside_last) = facts.external, facts.internal
    for port in range(first, last + 1):
        fixed_port = inside if inside == inside_last else inside + port - first
        yield ForwardingSpec("udp" if facts.protocol == "udp" else "tcp", port, facts.fixed_ip, fixed_port)


def _is_programmable(foot: ProgrammedInterface, networks: Collection[str]) -> bool:
    return bool(foot.addresses) and str(foot.network_id) in networks


def _foot(facts: ProgrammedInterface, *, advertises: bool = True) -> RouterInterface:
    advertisement = _advertisement(facts) if advertises else None
    ids = str(facts.port_id), str(facts.network_id)
    return RouterInterface(*ids, facts.mac, facts.addresses, advertisement, admin_up=facts.admin_state_up)


def _advertisement(facts: ProgrammedInterface) -> Advertisement | None:
    """Return what the router tells guests. OVN has one mode for all subnets of an interface: the first's."""
    mode = address_mode(facts.ipv6_ra_mode)
    if mode is None:
        return None
    name_server = next((address for address in facts.name_servers if ":" in address), None)
    return Advertisement(mode, facts.mtu, name_server)


def _gateway(facts: ProgrammedRouter, hosts: Sequence[str]) -> RouterGateway:
    assert facts.gateway is not None
    return RouterGateway(
        _foot(facts.gateway, advertises=False),
        next_hops=facts.gateway.gateways,
        snat=facts.enable_snat,
        hosts=gateway_hosts(facts.id, hosts),
        qos=qos_spec(facts.qos),
    )
