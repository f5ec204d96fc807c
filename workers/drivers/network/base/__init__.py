"""The network contract: bridges, addresses, DHCP, NAT and ports of one host.

Rules that hold for every method of every driver:

- Everything is idempotent, and repairs: `ensure_network` on a network whose dnsmasq died starts it again.
- Removing something absent is success.
- A call that fails leaves other networks and ports as they were.
- Failures are `RetryableError` (this host cannot) or `AbortError` (no host can).
- Networks live in the kernel, in daemons and in files; they outlive the process that created them.
- Many threads and processes may call for one network at once; the driver serialises them.
- The hypervisor creates the tap when the server starts and removes it when the server stops: see `plug`.
- A spec refuses impossible values when it is made (`SpecInvalid`), so no driver meets them.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from workers.drivers import values
from workers.drivers.errors import SpecInvalid


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

    `dhcp_ip` is the host's own address in a subnet without gateway (or one whose gateway is elsewhere), from which
    DHCP is served; with both None there is no DHCP on that subnet. IPv6 subnets are stored and not served.
    """

    id: str
    cidr: str
    gateway_ip: str | None = None
    dhcp_enabled: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    dhcp_ip: str | None = None

    def __post_init__(self) -> None:
        """Every text must parse, and the host's addresses must lie inside the range."""
        values.check_uuid(self.id, "a subnet's id")
        values.check_cidr(self.cidr)
        for address in (self.gateway_ip, self.dhcp_ip, *self.dns_nameservers):
            if address is not None:
                values.check_address(address)
        for address in (self.gateway_ip, self.dhcp_ip):
            if address is not None and ipaddress.ip_address(address) not in ipaddress.ip_network(self.cidr):
                raise SpecInvalid(f"{address} is outside of {self.cidr}")

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_network(self.cidr).version

    @property
    def host_ip(self) -> str | None:
        """The address that the host itself holds in this subnet."""
        return self.dhcp_ip or self.gateway_ip


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One network as a host needs it. `bridge` is the caller's choice, unique on the host. `mtu` in bytes.

    `domain` is the DNS domain that DHCP hands out; empty for none. `nat`: guests reach the world behind the host's
    address. Without it nothing is forwarded off the bridge.
    """

    id: str
    bridge: str
    mtu: int = 1500
    subnets: tuple[SubnetSpec, ...] = ()
    domain: str = ""
    nat: bool = True

    def __post_init__(self) -> None:
        """Refuse names the kernel or dnsmasq would read otherwise, and ranges that overlap each other."""
        values.check_uuid(self.id, "a network's id")
        values.check_interface_name(self.bridge, "a bridge's name")
        values.check_range(self.mtu, "an MTU", 576, 65535)
        if self.domain:
            values.check_hostname(self.domain, "a network's domain")
        ranges = [ipaddress.ip_network(subnet.cidr) for subnet in self.subnets]
        for index, first in enumerate(ranges):
            if any(first.version == second.version and first.overlaps(second) for second in ranges[index + 1 :]):
                raise SpecInvalid("two subnets of a network overlap")


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
    """One port of a network: the interface a server is plugged in with. An empty `hostname` is not handed out.

    `server_id` is the server's, whose metadata a guest on this port gets; empty for none.
    """

    id: str
    tap: str
    mac: str
    fixed_ips: tuple[FixedIP, ...] = ()
    hostname: str = ""
    admin_up: bool = True
    server_id: str = ""

    def __post_init__(self) -> None:
        """Refuse names and addresses that would break out of their line."""
        values.check_uuid(self.id, "a port's id")
        if self.server_id:
            values.check_uuid(self.server_id, "a server's id")
        values.check_interface_name(self.tap, "a tap's name")
        values.check_mac(self.mac)
        if self.hostname:
            values.check_hostname(self.hostname, "a port's host name")


@dataclass(frozen=True, slots=True)
class PluggedPort:
    """A port as the host has it recorded."""

    id: str
    network_id: str
    tap: str
    mac: str
    ips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """A DHCP lease as the host's DHCP server saw it: proof that the guest asked. `expires_at` in Unix seconds."""

    port_id: str
    mac: str
    ip: str
    hostname: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A driver's capabilities."""

    dhcp: bool
    nat: bool
    overlapping_ranges: bool
    """True when two networks of one host may hold the same range."""
    real_packets: bool
    integration_bridge: str = ""
    """The switch into which the hypervisor plugs every card by its port's id, where the cloud's network engine programs
    networks and ports. Without a name, each network has its own bridge, which the driver makes and programs."""


class NetworkDriver(ABC):
    """One host's networks. Made by `workers.drivers.network.loader.load(name, options)`."""

    capabilities: Capabilities

    @abstractmethod
    def ensure_network(self, spec: NetworkSpec) -> None:
        """Make the network on this host, or mend it: bridge up with the host's addresses, DHCP, NAT.

        Success: the network matches the spec; a changed network is adjusted, and its ports stay.
        A range that holds addresses, routes or resolvers of the host's own, or of its operator's management, is
        refused.
        Failure (AddressOverlap, BridgeTaken, NetworkUnavailable): what this call created is removed; an existing
        network is left half adjusted, and the next call completes it.
        """

    @abstractmethod
    def plug(self, network: NetworkSpec, port: PortSpec) -> None:
        """Make the host ready for the port: its addresses are known to DHCP before the guest asks.

        The network is ensured first. Success: a guest that starts with this MAC gets these addresses.
        Failure (PortInvalid, and whatever `ensure_network` raises): the port is not recorded.
        """

    @abstractmethod
    def unplug(self, network_id: str, port_id: str) -> None:
        """Forget the port: its DHCP entry, its lease, and its tap if one was left behind. Absent is success.

        With its last port, a network is removed from a real host: bridge, addresses, routes, DHCP. Nothing of a tenant
        stays on a host longer than needed.
        """

    @abstractmethod
    def remove_network(self, network_id: str) -> None:
        """Take the network off this host with all of its ports: daemon, rules, bridge, files. Absent is success."""

    @abstractmethod
    def list_networks(self) -> tuple[str, ...]:
        """The ids of the networks recorded on this host, whole or not."""

    @abstractmethod
    def list_ports(self) -> tuple[PluggedPort, ...]:
        """The ports recorded on this host."""

    @abstractmethod
    def faults(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> tuple[str, ...]:
        """Describe what is missing of a network and of plugged ports; empty if nothing is missing.

        Reads only. A changed spec is not a fault: `ensure_network` and `plug` apply it, and repair the faults reported
        here.
        """

    @abstractmethod
    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """List what a killed process left behind (taps on our bridges, DHCP entries) and remove it."""

    def recorded_ports(self) -> frozenset[str]:
        """The ids of the ports that were plugged and not unplugged, though their guest may be off. Reads only."""
        return frozenset()

    def complaints(self) -> tuple[str, ...]:
        """What the host's switch got lately and did not understand, in its own words. Reads only."""
        return ()

    def guest_offloads(self) -> bool:
        """Whether guests' cards may leave checksums and large segments to the host."""
        return True

    @abstractmethod
    def wait_until_up(self, port_ids: Sequence[str], timeout_s: float) -> None:
        """Return when the traffic of every port passes; their guest has been started.

        Raises NetworkUnavailable after `timeout_s` seconds; nothing is changed then.
        """

    @abstractmethod
    def lease(self, network_id: str, port_id: str) -> Lease | None:
        """The lease the port's guest holds, IPv4; None when it never asked, or the port is unknown."""

    @abstractmethod
    def close(self) -> None:
        """Close sockets. The driver may be used again; networks stay."""
