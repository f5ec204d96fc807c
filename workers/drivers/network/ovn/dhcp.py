"""DHCP options of subnets and ports.

OVN pastes option values into the text of its logical flows. So a value here comes from a parsed address or number, or
is a name that `values.check_hostname` accepted, in quotes; nothing else gets through.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
from collections.abc import Iterable, Sequence

from workers.drivers import values
from workers.drivers.network.base import HostRoute, SubnetSpec
from workers.drivers.network.base.l2 import DhcpOption, NetworkSpec, PortSpec
from workers.drivers.network.ovn import localports
from workers.drivers.network.ovn.rows import Row, derived, of_network
from workers.drivers.network.ovn.wire import Value

LEASE_TIME_S = 86400
VERSIONS = (4, 6)
_MODES_6 = ("dhcpv6-stateful", "dhcpv6-stateless")
_DEFAULT_ROUTE = "0.0.0.0/0"
_ON_LINK = "0.0.0.0"  # noqa: S104 - RFC 3442: the destination is on the guest's own link
_METADATA = f"{localports.ADDRESS}/32"


def rows(network: NetworkSpec, resolvers: Sequence[str]) -> list[Row]:
    """The options of each subnet that DHCP serves. `resolvers`: those of subnets that name none."""
    return [
        Row("DHCP_Options", item.id, _columns(network, item, resolvers)) for item in network.subnets if serves(item)
    ]


def _columns(network: NetworkSpec, subnet: SubnetSpec, resolvers: Sequence[str]) -> dict[str, Value]:
    return {
        "cidr": str(ipaddress.ip_network(subnet.cidr)),
        "options": (_options if subnet.version == 4 else _options_6)(network, subnet, resolvers),
        "external_ids": of_network(network.id),
    }


def port_rows(network: NetworkSpec, port: PortSpec, resolvers: Sequence[str]) -> list[Row]:
    """The options of a port that has its own: those of its subnet, and over them the port's."""
    made = []
    for version in VERSIONS:
        own = [option for option in port.dhcp_options if option.version == version]
        subnet = chosen(network, port, version)
        if own and subnet is not None:
            columns = _columns(network, subnet, resolvers)
            options = {**columns["options"], **_own(subnet, own)}  # type: ignore[dict-item]
            made.append(
                Row(
                    "DHCP_Options",
                    key(port.id, version),
                    {**columns, "options": options, "external_ids": of_ports(network.id)},
                )
            )
    return made


def of_ports(network_id: str) -> dict[str, str]:
    """The mark of options of a network's ports: they go with the network."""
    return {"celerity:ports-of-network": network_id}


def key(port_id: str, version: int) -> str:
    """The UUID of a port's own options."""
    return derived("dhcp", port_id, str(version))


def chosen(network: NetworkSpec, port: PortSpec, version: int) -> SubnetSpec | None:
    """The subnet of the port's first address that DHCP of this IP version serves."""
    served = {subnet.id: subnet for subnet in network.subnets if subnet.version == version and serves(subnet)}
    return next((served[fixed.subnet_id] for fixed in port.fixed_ips if fixed.subnet_id in served), None)


def _own(subnet: SubnetSpec, options: Sequence[DhcpOption]) -> dict[str, str]:
    """A router of the port's own is in its routes too: with those, clients ignore the router."""
    own = {option.name: _formatted(option) for option in options}
    if "router" in own and subnet.version == 4:
        routes = _set([*_routes(dataclasses.replace(subnet, gateway_ip=None)), f"{_DEFAULT_ROUTE},{own['router']}"])
        own = {"classless_static_route": routes, "ms_classless_static_route": routes, **own}
    return own


def _formatted(option: DhcpOption) -> str:
    """An option's value as OVN's flow language wants it. The spec holds parsed values only."""
    if option.kind == "routes":
        pairs = zip(option.values[::2], option.values[1::2], strict=True)
        return _set([f"{ipaddress.IPv4Network(to)},{_address(via)}" for to, via in pairs])
    if option.kind == "addresses":
        return _set([str(ipaddress.ip_address(text)) for text in option.values])
    if option.kind in ("address", "number", "flag"):
        return option.values[0]
    if option.kind == "host" and values.is_address(option.values[0]) and ":" not in option.values[0]:
        return option.values[0]
    return '"' + ",".join(option.values) + '"'


def serves(subnet: SubnetSpec) -> bool:
    """Say whether guests get addresses of this subnet by DHCP, or at least the options beside them."""
    if subnet.version == 6:
        return subnet.dhcp_enabled and subnet.address_mode in _MODES_6
    return subnet.dhcp_enabled and subnet.server_ip is not None


def gateway_mac(network_id: str) -> str:
    """The MAC of a network's gateway and DHCP server: always the same, made of the network's id."""
    digest = hashlib.sha256(network_id.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def quoted(name: str) -> str:
    """A host name as OVN's flow language wants a string. Raises SpecInvalid for anything but a host name."""
    values.check_hostname(name, "a DHCP value")
    return f'"{name}"'


def _options(network: NetworkSpec, subnet: SubnetSpec, resolvers: Sequence[str]) -> dict[str, str]:
    options = {
        "lease_time": str(LEASE_TIME_S),
        "mtu": str(int(network.mtu)),
        "server_id": _address(subnet.server_ip or ""),
        "server_mac": gateway_mac(network.id),
    }
    if subnet.gateway_ip:
        options["router"] = _address(subnet.gateway_ip)
    if servers := _of_version(4, subnet.dns_nameservers or resolvers):
        options["dns_server"] = _set(servers)
    options["classless_static_route"] = options["ms_classless_static_route"] = _set(_routes(subnet))
    if network.domain:
        options["domain_name"] = quoted(network.domain)
    return options


def _options_6(network: NetworkSpec, subnet: SubnetSpec, resolvers: Sequence[str]) -> dict[str, str]:
    """A client of DHCPv6 has its routes and the MTU from the router's advertisement."""
    options = {"server_id": gateway_mac(network.id)}
    if subnet.address_mode == "dhcpv6-stateless":
        options["dhcpv6_stateless"] = "true"
    if servers := _of_version(6, subnet.dns_nameservers or resolvers):
        options["dns_server"] = _set(servers)
    if network.domain:
        options["domain_search"] = quoted(network.domain)
    return options


def _routes(subnet: SubnetSpec) -> list[str]:
    """Routes with their next hops, that to the metadata service among them.

    A client that gets any ignores the router (RFC 3442): so the router is one.
    """
    wanted = [item for item in subnet.host_routes if ":" not in item.destination]
    present = {item.destination for item in wanted}
    if _METADATA not in present:
        wanted.append(HostRoute(_METADATA, subnet.metadata_ip or _ON_LINK))
    if subnet.gateway_ip and _DEFAULT_ROUTE not in present:
        wanted.append(HostRoute(_DEFAULT_ROUTE, subnet.gateway_ip))
    return [f"{ipaddress.IPv4Network(item.destination)},{_address(item.nexthop)}" for item in wanted]


def _of_version(version: int, addresses: Iterable[str]) -> list[str]:
    parsed = [ipaddress.ip_address(address) for address in addresses]
    return [str(address) for address in dict.fromkeys(parsed) if address.version == version]


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def _set(items: Sequence[str]) -> str:
    return "{" + ", ".join(items) + "}"
