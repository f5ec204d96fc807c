"""Checks of a port against its network, for all drivers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from workers.drivers.network.base import FixedIP, NetworkSpec, PortSpec, SubnetSpec
from workers.drivers.network.errors import PortInvalid


def check_port(network: NetworkSpec, port: PortSpec) -> None:
    """Raise PortInvalid unless every address of the port lies in the subnet of the network that it names."""
    check_fixed_ips(network.subnets, port.fixed_ips)


def check_fixed_ips(subnets: Sequence[SubnetSpec], fixed_ips: Sequence[FixedIP]) -> None:
    """Raise PortInvalid unless every address lies in the subnet that it names."""
    by_id = {subnet.id: subnet for subnet in subnets}
    for fixed in fixed_ips:
        subnet = by_id.get(fixed.subnet_id)
        if subnet is None:
            raise PortInvalid("The port is not of its network.", details=f"no subnet {fixed.subnet_id}")
        if ipaddress.ip_address(fixed.ip) not in ipaddress.ip_network(subnet.cidr):
            raise PortInvalid("The port's address is outside of its subnet.", details=f"{fixed.ip} {subnet.cidr}")


def served_address(network: NetworkSpec, port: PortSpec) -> str | None:
    """The address that DHCP hands to the port: its first IPv4 address in a subnet with DHCP."""
    served = {subnet.id for subnet in network.subnets if subnet.version == 4 and subnet.dhcp_enabled}
    return next((fixed.ip for fixed in port.fixed_ips if fixed.subnet_id in served), None)
