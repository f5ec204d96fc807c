"""Names of ports, which OVN answers inside their network: A, AAAA and PTR."""

from __future__ import annotations

import ipaddress

from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.ovn.rows import Link, Row, derived, of_network


def key(port_id: str) -> str:
    """The UUID of a port's row in the table of names."""
    return derived("dns", port_id)


def rows(network: NetworkSpec, port: PortSpec) -> list[Row]:
    """A port's names: its name, alone and in its domain, and its addresses' reverse names.

    A row for each port, so that a port comes and goes without the others' names.
    """
    name, domain = (port.dns_name or port.hostname).lower(), (port.dns_domain or network.domain).lower()
    if not name or not port.fixed_ips:
        return []
    full = f"{name}.{domain}" if domain else name
    addresses = [ipaddress.ip_address(fixed.ip) for fixed in port.fixed_ips]
    records = dict.fromkeys((name, full), " ".join(str(address) for address in addresses))
    records |= {address.reverse_pointer: full for address in addresses}
    columns = {"records": records, "external_ids": of_network(network.id)}
    return [Row("DNS", key(port.id), columns, frozenset({Link("Logical_Switch", network.id, "dns_records")}))]
