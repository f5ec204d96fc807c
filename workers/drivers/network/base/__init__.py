"""What the contracts of networking share, and the contract of one host: its ports on the host's switch.

The network engine (`base/engine.py`) describes networks, ports, routers and groups once for the whole cloud. A host has
ports plugged or not; rules that hold for every method of every driver of a host:

- Everything is idempotent, and removing something absent is success.
- A call that fails leaves other ports as they were.
- Ports live in the kernel and in daemons; they outlive the process that plugged them.
- Many threads and processes may call at once.
- A spec refuses impossible values when it is made (`SpecInvalid`), so no driver meets them.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

INTEGRATION_BRIDGE = "br-int"
"""The switch of every host: the hypervisor plugs cards into it by their ports' ids."""


AddressMode = Literal["slaac", "dhcpv6-stateless", "dhcpv6-stateful"]


@dataclass(frozen=True, slots=True)
class HostRoute:
    """One route that DHCP hands to guests (option 121)."""

    destination: str
    nexthop: str

    def __post_init__(self) -> None:
        """Both must parse, in one IP version."""
        values.check_cidr(self.destination)
        values.check_address(self.nexthop)
        if ipaddress.ip_network(self.destination).version != ipaddress.ip_address(self.nexthop).version:
            raise SpecInvalid("a route's destination and next hop differ in IP version")


@dataclass(frozen=True, slots=True)
class SubnetSpec:
    """One range of a network. `gateway_ip` None: guests get no default route.

    `dhcp_ip` is the address of the DHCP server in a subnet without gateway (or one whose gateway is elsewhere); with
    both None there is no DHCP for IPv4 on that subnet. `metadata_ip` is the metadata service's, by way of which guests
    reach it; None: they reach it on their link.
    `address_mode`: how guests of an IPv6 subnet get their addresses; None: they are fixed by hand.
    """

    id: str
    cidr: str
    gateway_ip: str | None = None
    dhcp_enabled: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    dhcp_ip: str | None = None
    metadata_ip: str | None = None
    address_mode: AddressMode | None = None

    def __post_init__(self) -> None:
        """Every text must parse, and gateway and DHCP server must lie inside the range."""
        values.check_uuid(self.id, "a subnet's id")
        values.check_cidr(self.cidr)
        if self.address_mode is not None and (self.version != 6 or self.address_mode not in get_args(AddressMode)):
            raise SpecInvalid(f"not a mode of IPv{self.version} addresses: {self.address_mode!r}")
        for address in (self.gateway_ip, self.dhcp_ip, self.metadata_ip, *self.dns_nameservers):
            if address is not None:
                values.check_address(address)
        for address in (self.gateway_ip, self.dhcp_ip, self.metadata_ip):
            if address is not None and ipaddress.ip_address(address) not in ipaddress.ip_network(self.cidr):
                raise SpecInvalid(f"{address} is outside of {self.cidr}")

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_network(self.cidr).version

    @property
    def server_ip(self) -> str | None:
        """The address that DHCP answers from."""
        return self.dhcp_ip or self.gateway_ip


@dataclass(frozen=True, slots=True)
class FixedIP:
    """One address of a port, in one subnet."""

    subnet_id: str
    ip: str

    def __post_init__(self) -> None:
        """The address must parse."""
        values.check_uuid(self.subnet_id, "a subnet's id")
        values.check_address(self.ip)


@dataclass(frozen=True, slots=True)
class PortSpec:
    """One port of a network: the interface a server is plugged in with. `mtu` in bytes.

    `network_id` and `server_id` are those of the guest on it, by which it gets its metadata; empty for none.
    `routers`: the MACs of the network's routers whose IPv6 advertisements the guest may hear.
    """

    id: str
    tap: str
    mac: str
    fixed_ips: tuple[FixedIP, ...] = ()
    network_id: str = ""
    server_id: str = ""
    mtu: int = 1442
    routers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names and addresses that would break out of their line."""
        values.check_uuid(self.id, "a port's id")
        for key in (self.network_id, self.server_id):
            if key:
                values.check_uuid(key, "an id")
        values.check_range(self.mtu, "an MTU", 576, 65535)
        values.check_interface_name(self.tap, "a tap's name")
        for mac in (self.mac, *self.routers):
            values.check_mac(mac)


@dataclass(frozen=True, slots=True)
class PluggedPort:
    """A port that is plugged on a host."""

    id: str
    tap: str
    mac: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A driver's capabilities."""

    hypervisor_plugs: bool
    """Whether the hypervisor plugs a port when its guest starts, and unplugs it when the guest ends."""


class NetworkDriver(ABC):
    """The ports of one host. Made by `workers.drivers.network.loader.load(name, options)`."""

    capabilities: Capabilities

    @abstractmethod
    def plug(self, port: PortSpec) -> None:
        """Have a running guest's port on the host's switch. A guest that starts is plugged by its hypervisor.

        Failure (NetworkUnavailable, EngineUnavailable): the port is not plugged.
        """

    @abstractmethod
    def unplug(self, port_id: str) -> None:
        """Take a port off the switch that its guest left there. Absent is success."""

    @abstractmethod
    def list_ports(self) -> tuple[PluggedPort, ...]:
        """The ports that are plugged."""

    @abstractmethod
    def faults(self, ports: Sequence[PortSpec]) -> dict[str, str]:
        """Describe by port id what keeps ports from carrying traffic; empty if nothing does. Reads only.

        `plug` repairs what can be repaired on this host.
        """

    @abstractmethod
    def admit_routers(self, ports: Sequence[PortSpec]) -> None:
        """Have plugged ports hear the advertisements of the routers that their specs name, and of nobody else."""

    @abstractmethod
    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """List what killed processes left on the switch, and remove it."""

    def recorded_ports(self) -> frozenset[str]:
        """The ids of the ports that were plugged and not unplugged, though their guest may be off. Reads only."""
        return frozenset()

    def complaints(self) -> tuple[str, ...]:
        """What the host's switch got lately and did not understand, in its own words. Reads only."""
        return ()

    def guest_offloads(self) -> bool:
        """Whether guests' cards may leave checksums and large segments to the host."""
        return True

    def tunnels_take_offloads(self) -> bool:
        """Whether this host's tunnels carry packets whose checksums and segments guests left to the host."""
        return True

    @abstractmethod
    def wait_until_up(self, ports: Mapping[str, Sequence[str]], timeout_s: float) -> None:
        """Return when the traffic of every port passes; their guest has been started.

        `ports`: by id, the MACs of the routers whose advertisements each hears.

        Raises NetworkUnavailable after `timeout_s` seconds; nothing is changed then.
        """

    @abstractmethod
    def close(self) -> None:
        """Close sockets. The driver may be used again; ports stay."""
