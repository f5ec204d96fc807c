"""Floating IPs as translations of a router, both ways; forwarded ports as load balancers of one member."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from workers.drivers.network.base.l3 import FloatingIPSpec
from workers.drivers.network.ovn import diff, qos
from workers.drivers.network.ovn.ovsdb import Operation
from workers.drivers.network.ovn.rows import Link, Row, derived, of_router
from workers.drivers.network.ovn.wire import Value

TABLE, KIND, BALANCER = "NAT", "dnat_and_snat", "Load_Balancer"
MARK = "celerity:floating-ip"
_PROTOCOLS = ("tcp", "udp")


def rows(floating_ip: FloatingIPSpec) -> list[Row]:
    """The translation, by the floating IP's own id, or a load balancer for each protocol that it forwards."""
    limits: list[Row] = []
    if floating_ip.gateway is not None:
        mark = qos.of_floating_ips(floating_ip.router_id)
        limits = qos.rows(
            floating_ip.id, qos.Attachment(*floating_ip.gateway, _address(floating_ip.ip), mark), floating_ip.qos
        )
    if not floating_ip.fixed_ip:
        return [*_balancers(floating_ip), *limits]
    columns: dict[str, Value] = {
        "type": KIND,
        "external_ip": _address(floating_ip.ip),
        "logical_ip": _address(floating_ip.fixed_ip),
        "external_ids": {},
    }
    links = frozenset({Link("Logical_Router", floating_ip.router_id, "nat")})
    return [Row(TABLE, floating_ip.id, columns, links), *limits]


def _balancers(floating_ip: FloatingIPSpec) -> Iterator[Row]:
    """The router translates what comes from outside, the switches of its networks what their guests send."""
    links = {Link("Logical_Router", floating_ip.router_id, "load_balancer")}
    links |= {Link("Logical_Switch", network_id, "load_balancer") for network_id in floating_ip.network_ids}
    outside = _address(floating_ip.ip)
    for protocol in _PROTOCOLS:
        vips = {
            f"{outside}:{int(item.port)}": f"{_address(item.fixed_ip)}:{int(item.fixed_port)}"
            for item in floating_ip.forwardings
            if item.protocol == protocol
        }
        if vips:
            columns: dict[str, Value] = {
                "name": f"{floating_ip.id}-{protocol}",
                "protocol": protocol,
                "vips": vips,
                "external_ids": {MARK: floating_ip.id, **of_router(floating_ip.router_id)},
            }
            yield Row(BALANCER, _key(floating_ip.id, protocol), columns, frozenset(links))


def removal(floating_ip_id: str, *, but: frozenset[str] = frozenset()) -> list[Operation]:
    """The operations that remove the rows of a floating IP, but for some."""
    balancers = [(BALANCER, _key(floating_ip_id, protocol)) for protocol in _PROTOCOLS]
    gone = [(table, uuid) for table, uuid in ((TABLE, floating_ip_id), *balancers) if uuid not in but]
    operations = [operation for table, uuid in gone for operation in diff.removal(table, uuid)]
    return [*operations, *qos.removal(floating_ip_id, but=but)]


def _key(floating_ip_id: str, protocol: str) -> str:
    return derived("forwarding", floating_ip_id, protocol)


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))
