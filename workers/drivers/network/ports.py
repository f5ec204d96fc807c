"""Checks of a port's addresses against the subnets of its network, for all engines."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from workers.drivers.network.base import FixedIP, SubnetSpec
from workers.drivers.network.errors import PortInvalid


def check_fixed_ips(subnets: Sequence[SubnetSpec], fixed_ips: Sequence[FixedIP]) -> None:
    """Raise PortInvalid unless every address lies in the subnet that it names."""
    by_id = {subnet.id: subnet for subnet in subnets}
    for fixed in fixed_ips:
        subnet = by_id.get(fixed.subnet_id)
        if subnet is None:
            raise PortInvalid("The port is not of its network.", details=f"no subnet {fixed.subnet_id}")
        if ipaddress.ip_address(fixed.ip) not in ipaddress.ip_network(subnet.cidr):
            raise PortInvalid("The port's address is outside of its subnet.", details=f"{fixed.ip} {subnet.cidr}")
