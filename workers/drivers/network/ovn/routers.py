"""Routers as logical routers: their ports, routes, gateway hosts, and the translation of what goes out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from workers.drivers.network.base.l3 import Advertisement, RouterGateway, RouterInterface, RouterSpec
from workers.drivers.network.ovn import qos, switch_ports
from workers.drivers.network.ovn.rows import Link, Row, derived, of_router
from workers.drivers.network.ovn.wire import Value

TABLE, PORT, ROUTE, NAT = "Logical_Router", "Logical_Router_Port", "Logical_Router_Static_Route", "NAT"
# An ARP request that a router hears teaches it nothing, and neighbours are learned as they are needed: the southbound
# database stays small on a large external network.
_OPTIONS = {"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true"}
_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}
_FIRST_PRIORITY = 100
_MODES = {
    "slaac": "slaac",
    "dhcpv6-stateless": "dhcpv6_stateless",
    "dhcpv6-stateful": "dhcpv6_stateful",
}
MIN_MTU_6 = 1280


def rows(router: RouterSpec) -> list[Row]:
    """The router, by its own id, and all that its spec brings along."""
    columns: dict[str, Value] = {"name": router.id, "enabled": router.admin_up, "options": _OPTIONS}
    made = [Row(TABLE, router.id, columns)]
    for interface in router.interfaces:
        made += _interface(router, interface, {"router-port": port_name(interface.port_id)})
    made += [_route(router, item.destination, item.nexthop, "") for item in router.routes]
    if router.gateway is not None:
        made += _gateway(router, router.gateway)
    return made


def port_name(port_id: str) -> str:
    """The name of the router's end of a port."""
    return f"lrp-{port_id}"


def port_id(name: str) -> str:
    """The port of which a router's end has this name."""
    return name.removeprefix("lrp-")


def port_key(port_id: str) -> str:
    """The UUID of the router's end of a port."""
    return derived("lrp", port_id)


def _interface(router: RouterSpec, interface: RouterInterface, options: dict[str, str]) -> list[Row]:
    """Both ends: the router's, and the switch's, which has the port's own id."""
    columns: dict[str, Value] = {
        "name": port_name(interface.port_id),
        "mac": interface.mac,
        "networks": frozenset(str(ipaddress.ip_interface(text)) for text in interface.addresses),
        "options": {},
        "ipv6_ra_configs": _advertisement(interface.advertisement),
        "external_ids": of_router(router.id),
    }
    inner = Row(PORT, port_key(interface.port_id), columns, frozenset({Link(TABLE, router.id, "ports")}))
    outer = switch_ports.row(
        interface.port_id,
        interface.network_id,
        name=interface.port_id,
        kind="router",
        options=options,
        addresses="router",
        enabled=interface.admin_up,
    )
    return [inner, outer]


def _advertisement(item: Advertisement | None) -> dict[str, str]:
    """The router's advertisements, sent to who asks and every few minutes. IPv6 has no MTU below 1,280."""
    if item is None:
        return {}
    configs = {"address_mode": _MODES[item.mode], "send_periodic": "true", "mtu": str(max(int(item.mtu), MIN_MTU_6))}
    if item.name_server is not None:
        configs["rdnss"] = str(ipaddress.IPv6Address(item.name_server))
    return configs


def _gateway(router: RouterSpec, gateway: RouterGateway) -> Iterator[Row]:
    foot = gateway.interface
    # nat-addresses: floating IPs are announced when their host changes.
    yield from _interface(router, foot, {"router-port": port_name(foot.port_id), "nat-addresses": "router"})
    for number, host in enumerate(gateway.hosts):
        columns: dict[str, Value] = {
            "name": f"{port_name(foot.port_id)}_{host}",
            "chassis_name": host,
            "priority": max(1, _FIRST_PRIORITY - number),
        }
        links = frozenset({Link(PORT, port_key(foot.port_id), "gateway_chassis")})
        yield Row("Gateway_Chassis", derived("gateway", foot.port_id, host), columns, links)
    for address in gateway.next_hops:
        version = ipaddress.ip_address(address).version
        yield _route(router, _DEFAULT[version], address, port_name(foot.port_id))
    yield from qos.rows(
        foot.port_id, qos.Attachment(foot.network_id, foot.port_id, mark=of_router(router.id)), gateway.qos
    )
    if gateway.snat:
        yield from _translations(router, gateway)


def _translations(router: RouterSpec, gateway: RouterGateway) -> Iterator[Row]:
    """What leaves from the router's networks has the gateway's address. IPv6 is routed as it is."""
    outside = [
        str(item.ip) for text in gateway.interface.addresses if (item := ipaddress.ip_interface(text)).version == 4
    ]
    for interface in router.interfaces if outside else ():
        for text in interface.addresses:
            inside = ipaddress.ip_interface(text).network
            if inside.version == 4:
                columns: dict[str, Value] = {
                    "type": "snat",
                    "external_ip": outside[0],
                    "logical_ip": str(inside),
                    "external_ids": of_router(router.id),
                }
                key = derived("snat", router.id, str(inside))
                yield Row(NAT, key, columns, frozenset({Link(TABLE, router.id, "nat")}))


def _route(router: RouterSpec, destination: str, nexthop: str, port: str) -> Row:
    prefix, via = str(ipaddress.ip_network(destination)), str(ipaddress.ip_address(nexthop))
    columns: dict[str, Value] = {"ip_prefix": prefix, "nexthop": via, "output_port": port or switch_ports.NOTHING}
    links = frozenset({Link(TABLE, router.id, "static_routes")})
    return Row(ROUTE, derived("route", router.id, prefix, via, port), columns, links)
