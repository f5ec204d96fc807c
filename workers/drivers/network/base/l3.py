"""The contract of routed networks: routers, their way out, and floating IPs. The rules of `base/l2.py` hold here, too.

A router's networks, and a floating IP's router, must be there first: else EngineUnavailable, and nothing is written.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from workers.drivers import values
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base import AddressMode, HostRoute
from workers.drivers.network.base.qos import QosSpec


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a router tells the IPv6 guests of a network: how they get addresses, its MTU in bytes, a name server.

    `mode`: they make addresses of the prefixes (`slaac`), with further options by DHCPv6 (`dhcpv6-stateless`), or get
    both by DHCPv6 (`dhcpv6-stateful`).
    """

    mode: AddressMode
    mtu: int
    name_server: str | None = None

    def __post_init__(self) -> None:
        """Refuse other modes, and a name server of another IP version."""
        if self.mode not in get_args(AddressMode):
            raise SpecInvalid(f"not a mode of IPv6 addresses: {self.mode!r}")
        values.check_range(self.mtu, "an MTU", 68, 65535)
        if self.name_server is not None:
            values.check_address(self.name_server)
            if ipaddress.ip_address(self.name_server).version != 6:
                raise SpecInvalid(f"an IPv6 advertisement's name server is of IPv6: {self.name_server!r}")


@dataclass(frozen=True, slots=True)
class RouterInterface:
    """A router's foot in a network, by a port. `addresses` with their subnets' lengths: 10.0.0.1/24.

    `advertisement` None: the router says nothing there by itself, and answers no solicitation. `admin_up` False: the
    network carries nothing to the router, and nothing from it.
    """

    port_id: str
    network_id: str
    mac: str
    addresses: tuple[str, ...]
    advertisement: Advertisement | None = None
    admin_up: bool = True

    def __post_init__(self) -> None:
        """Every text must parse, and there is an address at least."""
        values.check_uuid(self.port_id, "a port's id")
        values.check_uuid(self.network_id, "a network's id")
        values.check_mac(self.mac)
        if not self.addresses:
            raise SpecInvalid("a router's interface needs an address")
        for address in self.addresses:
            values.check_interface_address(address)


@dataclass(frozen=True, slots=True)
class RouterGateway:
    """A router's way out: its foot in an external network. `next_hops` are that network's own gateways.

    `snat`: the router's networks go out behind the first address. `hosts`: where traffic passes, the first that lives.
    `qos` holds for all that passes, but for floating IPs with their own.
    """

    interface: RouterInterface
    next_hops: tuple[str, ...] = ()
    snat: bool = True
    hosts: tuple[str, ...] = ()
    qos: QosSpec | None = None

    def __post_init__(self) -> None:
        """Every text must parse."""
        for address in self.next_hops:
            values.check_address(address)
        for host in self.hosts:
            values.check_hostname(host, "a host's name")


@dataclass(frozen=True, slots=True)
class RouterSpec:
    """One router: its feet in networks, its way out, and further routes."""

    id: str
    interfaces: tuple[RouterInterface, ...] = ()
    gateway: RouterGateway | None = None
    routes: tuple[HostRoute, ...] = ()
    admin_up: bool = True

    def __post_init__(self) -> None:
        """A port is one foot only, and feet do not overlap: a router would not know where an address is."""
        values.check_uuid(self.id, "a router's id")
        ports = [item.port_id for item in self.all_interfaces]
        if len(set(ports)) != len(ports):
            raise SpecInvalid("a port is given twice to a router")
        ranges = [ipaddress.ip_interface(text).network for item in self.all_interfaces for text in item.addresses]
        for index, low in enumerate(ranges):
            if any(low.version == high.version and low.overlaps(high) for high in ranges[index + 1 :]):
                raise SpecInvalid("two networks of a router overlap")

    @property
    def all_interfaces(self) -> tuple[RouterInterface, ...]:
        """The feet in networks, and the one of the way out."""
        return (*self.interfaces, self.gateway.interface) if self.gateway else self.interfaces


@dataclass(frozen=True, slots=True)
class ForwardingSpec:
    """A port of a floating IP that leads to a port of a fixed address."""

    protocol: Literal["tcp", "udp"]
    port: int
    fixed_ip: str
    fixed_port: int

    def __post_init__(self) -> None:
        """Protocol, ports and address are possible ones."""
        if self.protocol not in ("tcp", "udp"):
            raise SpecInvalid(f"neither tcp nor udp: {self.protocol!r}")
        for port in (self.port, self.fixed_port):
            values.check_range(port, "a port", 1, 65535)
        _check_version_4(self.fixed_ip)


@dataclass(frozen=True, slots=True)
class FloatingIPSpec:
    """An external address at a router. It leads to a port's fixed address, and from it to the world, or it forwards.

    `fixed_ip` is empty for one that forwards ports. `network_ids`: the router's networks, from where forwarded ports
    are reached, too. `qos` holds at the router's `gateway`: the external network, and the router's port there.
    """

    id: str
    router_id: str
    ip: str
    fixed_ip: str = ""
    forwardings: tuple[ForwardingSpec, ...] = ()
    network_ids: tuple[str, ...] = ()
    qos: QosSpec | None = None
    gateway: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Addresses are of IPv4, it leads somewhere, and no port is forwarded twice."""
        values.check_uuid(self.id, "a floating IP's id")
        values.check_uuid(self.router_id, "a router's id")
        for other in (*self.network_ids, *(self.gateway or ())):
            values.check_uuid(other, "a network's or a port's id")
        if self.qos is not None and self.gateway is None:
            raise SpecInvalid("a floating IP with limits needs its router's gateway")
        _check_version_4(self.ip)
        if self.fixed_ip:
            _check_version_4(self.fixed_ip)
        if bool(self.fixed_ip) == bool(self.forwardings):
            raise SpecInvalid("a floating IP leads to a fixed address or forwards ports")
        if len({(item.protocol, item.port) for item in self.forwardings}) != len(self.forwardings):
            raise SpecInvalid("a port is forwarded twice")


def _check_version_4(address: str) -> None:
    values.check_address(address)
    if ipaddress.ip_address(address).version != 4:
        raise SpecInvalid(f"a floating IP is of IPv4: {address!r}")


class L3Driver(ABC):
    """The cloud's routers and floating IPs."""

    @abstractmethod
    def ensure_router(self, router: RouterSpec) -> None:
        """Have the router, or adjust it: feet, routes and way out that are not in the spec go; floating IPs stay.

        Failure (EngineUnavailable, EngineRefused): nothing of this call is there.
        """

    @abstractmethod
    def remove_routers(self, router_ids: Iterable[str]) -> None:
        """Remove routers with their feet and floating IPs. Absent is success."""

    @abstractmethod
    def list_routers(self) -> frozenset[str]:
        """The ids of all routers there are."""

    @abstractmethod
    def ensure_floating_ips(self, floating_ips: Sequence[FloatingIPSpec]) -> None:
        """Have floating IPs lead to their addresses, or move them there. Forwardings not in a spec go.

        Failure (EngineUnavailable, EngineRefused): nothing of this call is there.
        """

    @abstractmethod
    def remove_floating_ips(self, floating_ip_ids: Iterable[str]) -> None:
        """Have floating IPs lead nowhere. Absent is success."""

    @abstractmethod
    def list_floating_ips(self) -> frozenset[str]:
        """The ids of all floating IPs that lead somewhere."""
