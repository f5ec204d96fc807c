"""Ranges that no network may hold because the host itself talks to them: its routes, its resolvers, its management."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from workers.drivers.network.base import NetworkSpec
from workers.drivers.network.errors import AddressOverlap
from workers.drivers.network.linux.bridge import netlink

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_RESOLVERS = Path("/etc/resolv.conf")
_MAIN_TABLE = 254


def refuse(spec: NetworkSpec, management: Sequence[IPNetwork]) -> None:
    """Raise AddressOverlap when the network would come between the host and those it talks to.

    A bridge's address brings a route into the host's main table: more specific than the host's own way to a resolver
    or a database, it would lead the host's connections to the tenant's guests.
    """
    wanted = [ipaddress.IPv4Network(subnet.cidr) for subnet in spec.subnets if subnet.version == 4]
    for reason, own in _own(spec.bridge, management):
        for cidr in wanted:
            if own.version == 4 and cidr.overlaps(own):
                raise AddressOverlap(
                    "The network's range is one that the host needs itself.", details=f"{cidr} overlaps {own}: {reason}"
                )


def _own(bridge: str, management: Sequence[IPNetwork]) -> Iterator[tuple[str, IPNetwork]]:
    yield from (("a management range", item) for item in management)
    yield from (("a resolver of the host", ipaddress.ip_network(address)) for address in resolvers())
    yield from (("a route of the host", item) for item in _routes(bridge))


def resolvers(path: Path = _RESOLVERS) -> list[str]:
    """The addresses of the host's resolvers, but for itself."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return list(_addresses(parts[1] for parts in words if len(parts) > 1 and parts[0] == "nameserver"))


def _addresses(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if not address.is_loopback:
            yield str(address)


def _routes(bridge: str) -> list[IPNetwork]:
    """The host's IPv4 routes but the default, and their gateways; those of the network's own bridge left out."""
    routes: list[IPNetwork] = []
    with netlink() as route:
        own = set(route.link_lookup(ifname=bridge))
        for item in route.get_routes(family=socket.AF_INET, table=_MAIN_TABLE):
            attributes = dict(item["attrs"])
            if attributes.get("RTA_OIF") in own:
                continue
            if item["dst_len"]:
                routes.append(ipaddress.ip_network(f"{attributes['RTA_DST']}/{item['dst_len']}", strict=False))
            if attributes.get("RTA_GATEWAY"):
                routes.append(ipaddress.ip_network(attributes["RTA_GATEWAY"]))
    return routes
