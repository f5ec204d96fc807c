"""The contract of switched networks: networks, subnets, ports, DHCP and DNS of the whole cloud.

Unlike the drivers of a host, this one writes a cloud's central description, from which every host programs itself.
One process writes (`docs/decisions/network-engine.md`). Rules that hold for every method:

- Everything is idempotent by id: what is there as its spec says is left alone, what differs is adjusted.
- One call is one transaction: all of it or nothing.
- Removing something absent is success.
- EngineUnavailable: the description cannot be reached or the outcome is unknown. Call again; hosts go on as they are.
- Ranges of different networks may overlap.
- A spec refuses impossible values when it is made (`SpecInvalid`).
"""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from workers.drivers import values
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base import FixedIP, SubnetSpec
from workers.drivers.network.base.qos import QosSpec

MAX_VLAN = 4094
HOST_ALONE = "celerity-local"  # every host maps it to a bridge that drops everything
MAX_OPTION_VALUES = 64
OptionKind = Literal["address", "addresses", "number", "flag", "text", "host", "names", "routes"]
_OPTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,31}")
_NUMBER = re.compile(r"\d{1,10}")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/,=@ -]{0,254}")


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One network. `mtu` in bytes, as DHCP tells it to guests. `domain`: the DNS domain of its names, or empty.

    `physical_network` names the hosts' bridge mapping that a provider network leads to; empty for a tenant's own
    network, which spans hosts in tunnels; HOST_ALONE for one that is another network on each host. `vlan`: the tag
    there, None for untagged frames. Without `admin_up` its ports carry nothing.
    """

    id: str
    mtu: int = 1442
    subnets: tuple[SubnetSpec, ...] = ()
    domain: str = ""
    physical_network: str = ""
    vlan: int | None = None
    admin_up: bool = True

    def __post_init__(self) -> None:
        """Refuse values that would break out of their place, and ranges that overlap each other."""
        values.check_uuid(self.id, "a network's id")
        values.check_range(self.mtu, "an MTU", 68, 65535)
        if self.domain:
            values.check_hostname(self.domain, "a network's domain")
        if self.physical_network:
            values.check_interface_name(self.physical_network, "a physical network's name")
        if self.vlan is not None:
            values.check_range(self.vlan, "a VLAN's tag", 1, MAX_VLAN)
            if not self.physical_network:
                raise SpecInvalid("a network with a VLAN needs a physical network")
        ranges = [ipaddress.ip_network(subnet.cidr) for subnet in self.subnets]
        for index, low in enumerate(ranges):
            if any(low.version == high.version and low.overlaps(high) for high in ranges[index + 1 :]):
                raise SpecInvalid("two subnets of a network overlap")


@dataclass(frozen=True, slots=True)
class AddressPair:
    """Another source that a port may send from: a range, and a MAC if it is not the port's own."""

    cidr: str
    mac: str | None = None

    def __post_init__(self) -> None:
        """Both must parse."""
        values.check_cidr(self.cidr)
        if self.mac is not None:
            values.check_mac(self.mac)


@dataclass(frozen=True, slots=True)
class DhcpOption:
    """An option that DHCP of an IP version sends to one port's guest, by the name that OVN has for it.

    `routes` are destinations and next hops in turn; `host` is an address or a name; `flag` is 0 or 1.
    """

    name: str
    kind: OptionKind
    values: tuple[str, ...]
    version: int = 4

    def __post_init__(self) -> None:
        """Refuse names and values that would break out of their place."""
        values.check_range(len(self.values), "the number of an option's values", 1, MAX_OPTION_VALUES)
        if not _OPTION_NAME.fullmatch(self.name) or self.version not in (4, 6):
            raise SpecInvalid(f"not the name of a DHCP option: {self.name!r}")
        for number, text in enumerate(self.values):
            self._check(number, text)

    def _check(self, number: int, text: str) -> None:
        if self.kind == "routes" and number % 2 == 0:
            values.check_cidr(text)
        elif self.kind in ("address", "addresses", "routes"):
            values.check_address(text)
        elif self.kind in ("number", "flag"):
            if not _NUMBER.fullmatch(text):
                raise SpecInvalid(f"not a number: {text!r}")
        elif self.kind in ("host", "names"):
            if self.kind == "names" or not values.is_address(text):
                values.check_hostname(text, "a DHCP option")
        elif not _PLAIN.fullmatch(text):
            raise SpecInvalid(f"not a plain text: {text!r}")


@dataclass(frozen=True, slots=True)
class PortSpec:
    """One port of a network. `host` is where it is bound; empty: anywhere it is plugged. `moving_to`: another host,
    whose plugged card it is as well, until the guest has moved there.

    `port_security` False lets the port send from any address and receive frames for any. `hostname` is its name for
    DHCP and DNS; an empty one is not handed out. `dns_name` goes before it in DNS, and `dns_domain` before the
    network's. `groups` are the ids of its security groups; with none in it nothing passes, and None leaves the port
    open. A subport has no card: its frames are those with the VLAN's `tag` on the card of its `parent`, a port, too.
    `dhcp_options` go before the subnet's; without `dhcp`, nobody answers the guest.
    """

    id: str
    mac: str
    fixed_ips: tuple[FixedIP, ...] = ()
    hostname: str = ""
    host: str = ""
    admin_up: bool = True
    port_security: bool = True
    address_pairs: tuple[AddressPair, ...] = ()
    groups: tuple[str, ...] | None = None
    qos: QosSpec | None = None
    dns_name: str = ""
    dns_domain: str = ""
    parent: str = ""
    tag: int | None = None
    dhcp_options: tuple[DhcpOption, ...] = ()
    dhcp: bool = True
    moving_to: str = ""

    def __post_init__(self) -> None:
        """Refuse names and addresses that would break out of their place."""
        values.check_uuid(self.id, "a port's id")
        values.check_mac(self.mac)
        names = (
            (self.hostname, "a port's host name"),
            (self.host, "a host's name"),
            (self.moving_to, "a host's name"),
            (self.dns_name, "a port's DNS name"),
        )
        for name, what in (*names, (self.dns_domain, "a port's DNS domain")):
            if name:
                values.check_hostname(name, what)
        if bool(self.parent) != (self.tag is not None):
            raise SpecInvalid("a subport has a parent and a tag")
        if self.tag is not None:
            values.check_uuid(self.parent, "a port's id")
            values.check_range(self.tag, "a VLAN's tag", 1, MAX_VLAN)
        for group_id in self.groups or ():
            values.check_uuid(group_id, "a group's id")


@dataclass(frozen=True, slots=True)
class PortState:
    """A port as the engine has it. `up`: a host has plugged it, and its traffic passes."""

    id: str
    up: bool


class L2Driver(ABC):
    """The cloud's switched networks."""

    @abstractmethod
    def ensure_network(self, network: NetworkSpec) -> None:
        """Have the network with its subnets, or adjust it. Its ports stay.

        Failure (EngineUnavailable, EngineRefused): nothing of this call is there.
        """

    @abstractmethod
    def ensure_ports(self, network: NetworkSpec, ports: Sequence[PortSpec]) -> None:
        """Have ports with their addresses, DHCP and names. The network is ensured in the same transaction.

        Success: each port is up as soon as a host plugs it, and its guest gets its addresses by DHCP.
        Failure (PortInvalid, EngineUnavailable, EngineRefused): nothing of this call is there.
        """

    @abstractmethod
    def remove_ports(self, port_ids: Iterable[str]) -> None:
        """Remove ports with their names and memberships. Absent is success."""

    @abstractmethod
    def remove_networks(self, network_ids: Iterable[str]) -> None:
        """Remove networks with their subnets and all of their ports. Absent is success."""

    @abstractmethod
    def list_networks(self) -> frozenset[str]:
        """The ids of all networks there are."""

    @abstractmethod
    def list_ports(self) -> tuple[PortState, ...]:
        """All ports of guests, in the order of their ids."""

    @abstractmethod
    def port_states(self, port_ids: Iterable[str]) -> tuple[PortState, ...]:
        """Those of the ports that exist, in the order of their ids."""
