"""Floating IPs as translations of a router, both ways."""

from __future__ import annotations

import ipaddress

from workers.drivers.network.base.l3 import FloatingIPSpec
from workers.drivers.network.ovn.rows import Link, Row
from workers.drivers.network.ovn.wire import Value

TABLE, KIND = "NAT", "dnat_and_snat"


def row(floating_ip: FloatingIPSpec) -> Row:
    """The translation, by the floating IP's own id."""
    columns: dict[str, Value] = {
        "type": KIND,
        "external_ip": str(ipaddress.IPv4Address(floating_ip.ip)),
        "logical_ip": str(ipaddress.IPv4Address(floating_ip.fixed_ip)),
        "external_ids": {},
    }
    return Row(TABLE, floating_ip.id, columns, frozenset({Link("Logical_Router", floating_ip.router_id, "nat")}))
