"""Frozen values that other apps exchange with this one: compute's requests, and what hosts need to plug servers in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedNetwork:
    """One interface as asked for: a network (perhaps with an address), or a port that exists."""

    network_id: uuid.UUID
    port_id: uuid.UUID | None = None
    fixed_ip: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortBinding:
    """A port that belongs to a server now. ``created`` False: the user's own port, kept when the server is deleted."""

    port_id: uuid.UUID
    network_id: uuid.UUID
    mac: str
    ips: tuple[str, ...]
    created: bool
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """One fixed IP of a server, with its network's name and its port's groups: an entry of Nova's ``addresses``."""

    port_id: uuid.UUID
    network_id: uuid.UUID
    network_name: str
    ip: str
    version: int
    mac: str
    port_status: str
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetFacts:
    """A subnet as DHCP serves it. ``host_routes`` are (destination, next hop)."""

    id: uuid.UUID
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: tuple[str, ...]
    host_routes: tuple[tuple[str, str], ...]
    dhcp_ip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """A network as a host needs it: its bridge, its MTU in bytes, its subnets."""

    id: uuid.UUID
    name: str
    bridge: str
    mtu: int
    subnets: tuple[SubnetFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFacts:
    """A port as a host plugs it. ``fixed_ips`` are (subnet id, address); ``server_id`` is the port's device."""

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

    @property
    def ips(self) -> tuple[str, ...]:
        """The addresses alone."""
        return tuple(ip for _, ip in self.fixed_ips)
