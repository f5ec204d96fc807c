"""Maps networks, ports, security groups, routers and floating IPs to the specs of the network engine."""

import ipaddress
import uuid
from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings

from apps.networking import dhcp_options, states
from apps.networking.selectors.programmed import Everything
from apps.networking.values import NetworkFacts, ProgrammedGroup, ProgrammedPort, ProgrammedRule
from workers.drivers.errors import AbortError, SpecInvalid
from workers.drivers.network.base import FixedIP
from workers.drivers.network.base.engine import CloudSpec, NetworkPorts
from workers.drivers.network.base.l2 import HOST_ALONE, AddressPair, DhcpOption, NetworkSpec, PortSpec
from workers.drivers.network.base.rules import GroupSpec, RuleSpec
from workers.drivers.network.ports import check_fixed_ips
from workers.mapping import refusals, routing
from workers.mapping.networks import subnet_spec
from workers.mapping.qos import qos_spec


def cloud(rows: Everything, hosts: Sequence[str]) -> CloudSpec:
    """Return all that is to be programmed. What no engine could take is left out, and reported.

    ``hosts`` may be routers' gateways.
    """
    by_network: dict[uuid.UUID, list[ProgrammedPort]] = {}
    for port in rows.ports:
        by_network.setdefault(port.network_id, []).append(port)
    items = (network_ports(network, by_network.get(key, ())) for key, network in rows.networks.items())
    networks = tuple(item for item in items if item is not None)
    written = {item.network.id for item in networks}
    routers = routing.router_specs(rows.routers, hosts, networks=written)
    return CloudSpec(
        networks=networks,
        groups=tuple(group_spec(group) for group in rows.groups),
        routers=tuple(routers),
        floating_ips=tuple(routing.floating_ip_specs(rows.floating_ips, routers=routers)),
    )


def network_ports(network: NetworkFacts, ports: Iterable[ProgrammedPort]) -> NetworkPorts | None:
    """Return a network with ports of it; None, and a port left out, for what no engine could take.

    One tenant's values that are refused never keep another's from being programmed.
    """
    try:
        spec = network_spec(network)
    except SpecInvalid as error:
        refusals.add(f"network {network.id}", error)
        return None
    return NetworkPorts(spec, tuple(item for port in ports if (item := _port(spec, port)) is not None))


def network_spec(facts: NetworkFacts) -> NetworkSpec:
    """Return a network's spec. Raises SpecInvalid."""
    return NetworkSpec(
        id=str(facts.id),
        mtu=facts.mtu,
        subnets=tuple(subnet_spec(subnet) for subnet in facts.subnets),
        domain=facts.dns_domain.removesuffix(".") or settings.DNS_DOMAIN,
        physical_network=HOST_ALONE if facts.is_local else facts.physical_network,
        vlan=facts.segmentation_id if facts.physical_network else None,
        admin_up=facts.admin_state_up,
    )


def port_spec(facts: ProgrammedPort) -> PortSpec:
    """Return a port's spec. Raises SpecInvalid."""
    return PortSpec(
        id=str(facts.id),
        mac=facts.mac,
        fixed_ips=tuple(FixedIP(subnet_id=str(subnet), ip=ip) for subnet, ip in facts.fixed_ips),
        hostname=facts.hostname,
        host=facts.host,
        moving_to=facts.moving_to,
        admin_up=facts.admin_state_up,
        port_security=facts.port_security_enabled,
        address_pairs=tuple(AddressPair(_range(text), mac) for text, mac in facts.address_pairs),
        groups=tuple(str(group) for group in facts.groups) if facts.port_security_enabled else None,
        qos=qos_spec(facts.qos),
        parent=str(facts.parent_id) if facts.parent_id else "",
        tag=facts.tag,
        dns_name=facts.dns_name,
        dns_domain=facts.dns_domain.removesuffix("."),
        dhcp_options=tuple(_dhcp_options(facts)),
        dhcp=not any(dhcp_options.disables(name, text) for name, text, _ in facts.dhcp_options),
    )


def _dhcp_options(facts: ProgrammedPort) -> Iterator[DhcpOption]:
    """Yield the port's DHCP options. One that cannot be sent is left out: the guest gets the others."""
    for name, text, version in facts.dhcp_options:
        if name == dhcp_options.DISABLED:
            continue
        try:
            value = dhcp_options.parse(name, text, version)
            if value is not None:
                yield DhcpOption(value.name, value.kind, value.values, version)
        except (ValueError, SpecInvalid) as error:
            refusals.add(f"port {facts.id}", f"DHCP option {name}: {error}")


def group_spec(facts: ProgrammedGroup) -> GroupSpec:
    """Return a group's spec. A rule that no engine could take is left out: what it allows stays closed."""
    rules = tuple(spec for rule in facts.rules if (spec := _rule(facts.id, rule)) is not None)
    return GroupSpec(id=str(facts.id), rules=rules, stateful=facts.stateful)


def _rule(group_id: uuid.UUID, facts: ProgrammedRule) -> RuleSpec | None:
    try:
        return RuleSpec(
            direction="ingress" if facts.direction == states.INGRESS else "egress",
            version=4 if facts.version == 4 else 6,
            protocol=facts.protocol,
            low=facts.low,
            high=facts.high,
            remote_range=_range(facts.remote_prefix) if facts.remote_prefix else None,
            remote_group=str(facts.remote_group_id) if facts.remote_group_id else None,
        )
    except SpecInvalid as error:
        refusals.add(f"rule of group {group_id}", f"{error}; {facts}")
        return None


def _port(network: NetworkSpec, facts: ProgrammedPort) -> PortSpec | None:
    try:
        spec = port_spec(facts)
        check_fixed_ips(network.subnets, spec.fixed_ips)
    except AbortError as error:
        refusals.add(f"port {facts.id}", f"{error} {error.details}".strip())
        return None
    return spec


def _range(text: str) -> str:
    """Return an address or a range, perhaps with its host bits, as a range."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise SpecInvalid(str(error)) from None
