"""Maps ports to the specs that a host plugs."""

import ipaddress
import uuid
from collections.abc import Mapping
from typing import get_args

from apps.networking.selectors import bindings
from apps.networking.values import PortFacts, SubnetFacts
from workers.config import HostDrivers
from workers.drivers.network.base import AddressMode, FixedIP, HostRoute, PortSpec, SubnetSpec


def ports_of(server_id: uuid.UUID) -> list[PortSpec]:
    """Return a server's ports, in the order of its interfaces."""
    return [port_spec(port) for port in bindings.specs_for_server(server_id=server_id)]


def subnet_spec(facts: SubnetFacts) -> SubnetSpec:
    """Return a subnet's spec. A gateway outside of the range is another machine's: nothing here announces it."""
    gateway = facts.gateway_ip
    if gateway is not None and ipaddress.ip_address(gateway) not in ipaddress.ip_network(facts.cidr):
        gateway = None
    return SubnetSpec(
        id=str(facts.id),
        cidr=facts.cidr,
        gateway_ip=gateway,
        dhcp_enabled=facts.enable_dhcp,
        dns_nameservers=facts.dns_nameservers,
        host_routes=tuple(HostRoute(destination=to, nexthop=via) for to, via in facts.host_routes),
        dhcp_ip=facts.dhcp_ip,
        metadata_ip=facts.metadata_ip,
        address_mode=address_mode(facts.ipv6_address_mode),
    )


def address_mode(text: str | None) -> AddressMode | None:
    """Return a mode as specs have it; None for none, and for a text that is none."""
    return next((mode for mode in get_args(AddressMode) if mode == text), None)


def port_spec(facts: PortFacts) -> PortSpec:
    """Return a port's spec. A trunk's card hears the routers of its subports' networks, too."""
    routers = {mac for subnet in facts.network.subnets for mac in subnet.routers}.union(facts.subport_routers)
    return PortSpec(
        id=str(facts.id),
        tap=facts.tap,
        mac=facts.mac,
        fixed_ips=tuple(FixedIP(subnet_id=str(subnet), ip=ip) for subnet, ip in facts.fixed_ips),
        routers=tuple(sorted(routers)),
        network_id=str(facts.network.id),
        server_id=facts.server_id,
        mtu=facts.network.mtu,
    )


def is_expected(drivers: HostDrivers, domains: Mapping[str, str], facts: PortFacts) -> bool:
    """Say whether a bound port has to be plugged on its host: where the hypervisor plugs, only while its guest is on.

    ``domains`` maps ids of the host's servers to power states.
    """
    if not drivers.network.capabilities.hypervisor_plugs:
        return True
    return domains.get(facts.server_id) in ("running", "paused")
