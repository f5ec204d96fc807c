"""Ports of guests as ports of a logical switch, with their addresses, security, DHCP and names."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.ovn import dhcp, dns, groups, qos
from workers.drivers.network.ovn.rows import Link, Row
from workers.drivers.network.ovn.wire import Ref, Value
from workers.drivers.network.ports import check_fixed_ips

# Port security of a MAC without an address would admit every address. As a source, this one is nobody's: systems drop
# what comes from it. Beside it, IPv6, with neighbour discovery, and frames that are not IP are not admitted at all.
_NO_ADDRESS = "255.255.255.255"


def rows(network: NetworkSpec, port: PortSpec, resolvers: Sequence[str] = ()) -> list[Row]:
    """A port, by its own id, its DHCP options and its names. Raises PortInvalid for an address outside of subnets."""
    check_fixed_ips(network.subnets, port.fixed_ips)
    addresses = [str(ipaddress.ip_address(fixed.ip)) for fixed in port.fixed_ips]
    receives = {" ".join((port.mac, *addresses))}
    receives |= {pair.mac for pair in port.address_pairs if pair.mac not in (None, port.mac)}
    if not port.port_security:
        receives.add("unknown")
    columns: dict[str, Value] = {
        "name": port.id,
        "type": "",
        "options": _options(port),
        "addresses": frozenset(receives),
        "port_security": _allowed(port, addresses),
        "enabled": network.admin_up and port.admin_up,
        "dhcpv4_options": _dhcp(network, port, 4),
        "dhcpv6_options": _dhcp(network, port, 6),
        "parent_name": port.parent or frozenset[str](),
        "tag": port.tag if port.tag is not None else frozenset[str](),
    }
    links = {Link("Logical_Switch", network.id, "ports"), *_memberships(port)}
    made = dhcp.port_rows(network, port, resolvers) if port.dhcp else []
    made += [Row("Logical_Switch_Port", port.id, columns, frozenset(links)), *dns.rows(network, port)]
    made += qos.rows(port.id, qos.Attachment(network.id, port.id), port.qos)
    return made if port.groups is None else [*groups.guard_rows(), *made]


def _memberships(port: PortSpec) -> list[Link]:
    if port.groups is None:
        return []
    return [Link(groups.TABLE, key, "ports") for key in (groups.guard_key(), *port.groups)]


def _options(port: PortSpec) -> dict[str, str]:
    options = {}
    if port.host:
        options["requested-chassis"] = ",".join(filter(None, (port.host, port.moving_to)))
        if (
            port.moving_to
        ):  # both hosts get its packets; the new one passes any on once the guest announces itself there
            options["activation-strategy"] = "rarp"
    if port.hostname:
        options["hostname"] = dhcp.quoted(port.hostname)
    return options


def _allowed(port: PortSpec, addresses: list[str]) -> frozenset[str]:
    """The sources that the port may send from; empty for any."""
    if not port.port_security:
        return frozenset()
    sources: dict[str, list[str]] = {port.mac: list(addresses)}
    for pair in port.address_pairs:
        sources.setdefault(pair.mac or port.mac, []).append(_range(pair.cidr))
    return frozenset(" ".join((mac, *dict.fromkeys(ranges or [_NO_ADDRESS]))) for mac, ranges in sources.items())


def _range(cidr: str) -> str:
    """A range as port security wants it: a single address without its length."""
    network = ipaddress.ip_network(cidr)
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _dhcp(network: NetworkSpec, port: PortSpec, version: int) -> Ref | frozenset[str]:
    """The port's own options, or those of its subnet."""
    subnet = dhcp.chosen(network, port, version)
    if subnet is None or not port.dhcp:
        return frozenset()
    has_own = any(option.version == version for option in port.dhcp_options)
    return Ref(dhcp.key(port.id, version) if has_own else subnet.id)
