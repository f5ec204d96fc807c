"""Maps port rows to a host's port specs, and a server's requested networks to networking's values."""

import ipaddress
import uuid
from typing import TYPE_CHECKING

from apps.networking.selectors import bindings
from apps.networking.values import NetworkFacts, PortFacts, RequestedNetwork, SubnetFacts
from workers.drivers.network.base import FixedIP, HostRoute, NetworkSpec, PortSpec, SubnetSpec

if TYPE_CHECKING:
    from apps.compute.models import Server


def requests_of(server: "Server") -> list[RequestedNetwork]:
    """Return the server's requested networks, in the order of its interfaces."""
    return [
        RequestedNetwork(
            network_id=uuid.UUID(wanted["network_id"]),
            port_id=uuid.UUID(wanted["port_id"]) if wanted.get("port_id") else None,
            fixed_ip=wanted.get("fixed_ip"),
            tag=wanted.get("tag"),
        )
        for wanted in server.requested_networks or []
    ]


def plugs_of(server_id: uuid.UUID) -> list[tuple[NetworkSpec, PortSpec]]:
    """Return a server's ports to plug, in the order of its interfaces."""
    return [(network_spec(facts.network), port_spec(facts)) for facts in bindings.specs_for_server(server_id=server_id)]


def network_spec(facts: NetworkFacts) -> NetworkSpec:
    subnets = tuple(_subnet(subnet) for subnet in facts.subnets)
    return NetworkSpec(id=str(facts.id), bridge=facts.bridge, mtu=facts.mtu, subnets=subnets)


def _subnet(facts: SubnetFacts) -> SubnetSpec:
    """A gateway outside of the range is another machine's business: the host neither holds nor announces it."""
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
    )


def port_spec(facts: PortFacts) -> PortSpec:
    return PortSpec(
        id=str(facts.id),
        tap=facts.tap,
        mac=facts.mac,
        fixed_ips=tuple(FixedIP(subnet_id=str(subnet), ip=ip) for subnet, ip in facts.fixed_ips),
        hostname=facts.hostname,
        admin_up=facts.admin_state_up,
    )
