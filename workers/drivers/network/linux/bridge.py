"""Bridges: created, addressed, repaired and removed by netlink; and the ranges of the host's interfaces."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from workers.drivers.network.base import NetworkSpec
from workers.drivers.network.errors import AddressOverlap, BridgeTaken, NetworkUnavailable

_NET = Path("/sys/class/net")
_AGEING_S = 300  # above 0: a bridge that forgets at once floods every guest with the others' frames (OSSA-2019-004)
_TICKS_PER_S = 100


@contextmanager
def netlink() -> Iterator[Any]:
    """A netlink socket for the block. Raises NetworkUnavailable if the kernel refuses."""
    try:
        with IPRoute() as route:
            yield route
    except NetlinkError as error:
        raise NetworkUnavailable("The host could not set up the network.", details=str(error)) from error


def exists(name: str) -> bool:
    """Say whether an interface of this name exists."""
    return (_NET / name).exists()


def is_networks(name: str, network_id: str) -> bool:
    """Say whether the interface is this network's bridge: by its address, which it has from its first moment on.

    (A mark set afterwards would be missing on the bridge of a process that was killed in between.)
    """
    try:
        address = (_NET / name / "address").read_text().strip()
    except OSError:
        return False
    return (_NET / name / "bridge").is_dir() and address == _mac(network_id)


def ensure(spec: NetworkSpec) -> None:
    """Have the network's bridge, up and with the host's addresses; addresses that are not the spec's go.

    STP is off and nothing is delayed: a guest's first DHCP request passes. IPv6 is off on the bridge itself, so that
    guests cannot reach the host by link-local addresses. Raises BridgeTaken when the name is another's.
    """
    if exists(spec.bridge) and not is_networks(spec.bridge, spec.id):
        raise BridgeTaken("The host could not set up the network.", details=f"{spec.bridge} is not ours")
    with netlink() as route:
        indexes = route.link_lookup(ifname=spec.bridge)
        index = indexes[0] if indexes else _add(route, spec)
        _quiet_ipv6(spec.bridge)
        route.link("set", index=index, mtu=spec.mtu, state="up")
        _set_addresses(route, index, host_addresses(spec))


def _add(route: Any, spec: NetworkSpec) -> int:
    route.link(
        "add",
        ifname=spec.bridge,
        kind="bridge",
        address=_mac(spec.id),
        br_stp_state=0,
        br_forward_delay=0,
        br_ageing_time=_AGEING_S * _TICKS_PER_S,
    )
    index: int = route.link_lookup(ifname=spec.bridge)[0]
    route.link("set", index=index, ifalias=f"celerity:{spec.id}")  # for people: `ip link` shows it
    return index


def _mac(network_id: str) -> str:
    """A fixed address of the network's own: the gateway's does not change with the taps that come and go."""
    digest = hashlib.sha256(network_id.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def _quiet_ipv6(name: str) -> None:
    with suppress(OSError):  # a kernel without IPv6
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")


def host_addresses(spec: NetworkSpec) -> set[tuple[str, int]]:
    """The addresses, with prefix lengths, that the host holds on the bridge: IPv4 only."""
    return {
        (subnet.host_ip, ipaddress.ip_network(subnet.cidr).prefixlen)
        for subnet in spec.subnets
        if subnet.version == 4 and subnet.host_ip is not None
    }


def _set_addresses(route: Any, index: int, wanted: set[tuple[str, int]]) -> None:
    present = {
        (dict(item["attrs"])["IFA_LOCAL"], item["prefixlen"])
        for item in route.get_addr(family=socket.AF_INET, index=index)
    }
    for address, length in sorted(present - wanted):
        route.addr("del", index=index, address=address, prefixlen=length)
    for address, length in sorted(wanted - present):
        broadcast = str(ipaddress.ip_network(f"{address}/{length}", strict=False).broadcast_address)
        route.addr("add", index=index, address=address, prefixlen=length, broadcast=broadcast)


def remove(name: str, network_id: str) -> None:
    """Remove the network's bridge. Absent, or another's, is left alone."""
    if not is_networks(name, network_id):
        return
    with netlink() as route:
        for index in route.link_lookup(ifname=name):
            route.link("del", index=index)


def refuse_overlap(spec: NetworkSpec) -> None:
    """Raise AddressOverlap when another interface of the host holds a part of the network's IPv4 ranges."""
    wanted = [ipaddress.IPv4Network(subnet.cidr) for subnet in spec.subnets if subnet.version == 4]
    with netlink() as route:
        own = set(route.link_lookup(ifname=spec.bridge))
        taken = [
            ipaddress.IPv4Network((dict(item["attrs"])["IFA_ADDRESS"], item["prefixlen"]), strict=False)
            for item in route.get_addr(family=socket.AF_INET)
            if item["index"] not in own
        ]
    for own_range in wanted:
        for other in taken:
            if own_range.overlaps(other):
                raise AddressOverlap(
                    "The network's range overlaps with another subnet on this cloud. Use another range.",
                    details=f"{own_range} overlaps {other}",
                )
