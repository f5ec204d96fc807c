"""Frozen values that other apps exchange with this one: compute's requests, and what hosts need to plug servers in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

OF_THE_PORT = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedNetwork:
    """One interface as asked for: a network (perhaps with an address), or a port that exists.

    The API's body becomes a list of these, which the server's row keeps until ``allocate_for_server`` gives it ports.
    A body that names a port leaves the network to ``requested_networks.resolve``. ``shared``: the network is another
    project's, and has to be shared with the server's project still when the port is made.
    """

    network_id: uuid.UUID = OF_THE_PORT
    port_id: uuid.UUID | None = None
    fixed_ip: str | None = None
    tag: str | None = None
    shared: bool = False

    def to_row(self) -> dict[str, str | None]:
        """Return it as JSON for a server's row."""
        shared: dict[str, str | None] = {"shared": "yes"} if self.shared else {}
        return {
            **shared,
            "network_id": str(self.network_id),
            "port_id": str(self.port_id) if self.port_id else None,
            "fixed_ip": self.fixed_ip,
            "tag": self.tag,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, str | None]) -> RequestedNetwork:
        """Return what ``to_row`` wrote."""
        port_id = row.get("port_id")
        return cls(
            network_id=uuid.UUID(row["network_id"]),
            port_id=uuid.UUID(port_id) if port_id else None,
            fixed_ip=row.get("fixed_ip"),
            tag=row.get("tag"),
            shared=bool(row.get("shared")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfacePermissions:
    """What policy lets a caller choose for a new server's interfaces: a front end asks, the service refuses by it.

    ``addresses_on`` are the networks whose fixed IPs the caller may choose; ``external`` allows external networks of
    other projects that are not shared.
    """

    addresses_on: frozenset[uuid.UUID] = frozenset()
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """One fixed IP of a server, with its network's name and its port's groups: an entry of Nova's ``addresses``.

    ``floating_ips`` lead to it.
    """

    port_id: uuid.UUID
    network_id: uuid.UUID
    network_name: str
    ip: str
    version: int
    mac: str
    port_status: str
    security_groups: tuple[str, ...] = ()
    floating_ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetFacts:
    """A subnet as DHCP serves it. ``host_routes`` are (destination, next hop); ``metadata_ip`` is for the engine.

    ``routers``: MACs that advertise it.
    """

    id: uuid.UUID
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: tuple[str, ...]
    host_routes: tuple[tuple[str, str], ...]
    dhcp_ip: str | None
    metadata_ip: str | None = None
    ipv6_address_mode: str | None = None
    routers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """A network as its engine and its guests need it; the MTU in bytes.

    ``physical_network`` and ``segmentation_id`` are those of a provider network, for the network engine alone, as are
    ``dns_domain``, ``admin_state_up`` and ``is_local``: no guest reaches another host's.
    """

    id: uuid.UUID
    name: str
    mtu: int
    subnets: tuple[SubnetFacts, ...]
    physical_network: str = ""
    segmentation_id: int | None = None
    dns_domain: str = ""
    admin_state_up: bool = True
    is_local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFacts:
    """A port as a host plugs it. ``fixed_ips`` are (subnet id, address); ``server_id`` is the port's device.

    ``subport_routers``: the MACs of routers that announce themselves in the networks of a trunk's subports.
    """

    id: uuid.UUID
    server_id: str
    project_id: str
    host: str
    tap: str
    mac: str
    fixed_ips: tuple[tuple[uuid.UUID, str], ...]
    hostname: str
    admin_state_up: bool
    status: str
    port_security_enabled: bool
    created: bool
    network: NetworkFacts
    subport_routers: tuple[str, ...] = ()

    @property
    def ips(self) -> tuple[str, ...]:
        """The addresses alone."""
        return tuple(ip for _, ip in self.fixed_ips)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedQos:
    """What a QoS policy says. Limits are (kbit/s, burst in kbit, 0 for the engine's choice)."""

    egress: tuple[int, int] | None = None
    ingress: tuple[int, int] | None = None
    dscp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedPort:
    """A bound port as the network engine programs it. ``address_pairs`` are (address or range, MAC or None).

    ``groups`` guard it while it has port security. ``dhcp_options`` are (name, value, IP version). A trunk's subport is
    on ``parent_id``, with ``tag``. ``moving_to``: the host that its server is on the way to. ``device_id``: the id
    of its server, or of the parent's.
    """

    id: uuid.UUID
    network_id: uuid.UUID
    host: str
    mac: str
    hostname: str
    admin_state_up: bool
    port_security_enabled: bool
    address_pairs: tuple[tuple[str, str | None], ...]
    fixed_ips: tuple[tuple[uuid.UUID, str], ...]
    groups: tuple[uuid.UUID, ...] = ()
    qos: ProgrammedQos | None = None
    parent_id: uuid.UUID | None = None
    tag: int | None = None
    dns_name: str = ""
    dns_domain: str = ""
    dhcp_options: tuple[tuple[str, str, int], ...] = ()
    moving_to: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedRule:
    """A rule of a security group, as its row has it. ``protocol`` is IANA's number."""

    direction: str
    version: int
    protocol: int | None
    low: int | None
    high: int | None
    remote_prefix: str | None
    remote_group_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedGroup:
    """A security group as the network engine programs it."""

    id: uuid.UUID
    stateful: bool
    rules: tuple[ProgrammedRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedInterface:
    """A router's interface, by a port. ``addresses`` have their subnets' lengths; ``gateways`` are their subnets'.

    ``admin_state_up`` is the network's, as is the MTU; the rest is of IPv6: the mode and the name servers that the
    router advertises there.
    """

    port_id: uuid.UUID
    network_id: uuid.UUID
    mac: str
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    mtu: int = 0
    admin_state_up: bool = True
    ipv6_ra_mode: str | None = None
    name_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedRouter:
    """A router as the network engine programs it. ``routes`` are (destination, next hop); ``qos`` is the gateway's."""

    id: uuid.UUID
    admin_state_up: bool
    enable_snat: bool
    interfaces: tuple[ProgrammedInterface, ...]
    gateway: ProgrammedInterface | None
    routes: tuple[tuple[str, str], ...]
    qos: ProgrammedQos | None = None

    @property
    def network_ids(self) -> frozenset[uuid.UUID]:
        """Every network that the router is on."""
        feet = (*self.interfaces, self.gateway) if self.gateway else self.interfaces
        return frozenset(foot.network_id for foot in feet)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedForwarding:
    """A port forwarding: ranges of ports, first and last included. One internal port may take all external ones."""

    protocol: str
    external: tuple[int, int]
    fixed_ip: str
    internal: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammedFloatingIP:
    """A floating IP of a router: it leads to a fixed address, its ports do, or neither does any more."""

    id: uuid.UUID
    router_id: uuid.UUID
    ip: str
    fixed_ip: str | None
    forwardings: tuple[ProgrammedForwarding, ...] = ()
    qos: ProgrammedQos | None = None

    @property
    def leads(self) -> bool:
        """Whether anything is programmed for it."""
        return bool(self.fixed_ip or self.forwardings)
