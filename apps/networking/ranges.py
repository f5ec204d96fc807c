"""Arithmetic of addresses: ranges, pools, gateways. Pure: no rows, no Django."""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections.abc import Iterable, Sequence
from typing import Any

from apps.networking import exceptions

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = ipaddress.IPv4Network | ipaddress.IPv6Network
Pool = tuple[Address, Address]

MAX_POOLS = 32
IPV6_MTU = 1280  # bytes, at least (RFC 8200)
FORBIDDEN_V4 = [ipaddress.ip_network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")]
LINK_LOCAL_V6 = ipaddress.ip_network("fe80::/10")  # a router's address there is a gateway as good as any
FORBIDDEN_V6 = [ipaddress.ip_network(text) for text in ("::/127", "fe80::/10", "ff00::/8", "::ffff:0:0/96")]


def address(text: Any, *, field: str) -> Address:
    """Parse one address without a scope. Raises InvalidInput naming ``field``."""
    try:
        if not isinstance(text, str) or "%" in text:
            raise ValueError
        return ipaddress.ip_address(text)
    except ValueError:
        raise exceptions.InvalidInput(reason=f"{field}: '{str(text)[:64]}' is not a valid IP address") from None


def network(text: Any, *, field: str) -> Range:
    """Parse a range and set its host bits to zero. Raises InvalidInput naming ``field``."""
    try:
        if not isinstance(text, str) or "%" in text or "/" not in text:
            raise ValueError
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise exceptions.InvalidInput(reason=f"{field}: '{str(text)[:64]}' is not a valid IP subnet") from None


def subnet_range(text: Any, *, version: int, dhcp: bool) -> Range:
    """Parse a subnet's cidr, and refuse ranges that no guest can live in. Raises InvalidInput."""
    cidr = network(text, field="cidr")
    if cidr.version != version:
        raise exceptions.InvalidInput(reason=f"cidr: '{cidr}' does not match the ip_version '{version}'")
    forbidden: Sequence[Range] = FORBIDDEN_V4 if version == 4 else FORBIDDEN_V6
    if cidr.prefixlen == 0 or any(overlap(cidr, other) for other in forbidden):
        raise exceptions.InvalidInput(reason=f"cidr: '{cidr}' is a reserved range")
    if dhcp and cidr.max_prefixlen - cidr.prefixlen < 2:
        raise exceptions.InvalidInput(
            reason=f"cidr: '{cidr}' has a prefix length that is incompatible with DHCP service enabled"
        )
    return cidr


def overlap(first: Range, second: Range) -> bool:
    """Whether two ranges of any version share an address."""
    return first.version == second.version and first.overlaps(second)


def usable(cidr: Range) -> Pool:
    """Return the first and last address that a guest may hold."""
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if cidr.num_addresses > 2:
        first, last = first + 1, (last - 1 if cidr.version == 4 else last)
    return _make(first, cidr), _make(last, cidr)


def _make(value: int, cidr: Range) -> Address:
    return ipaddress.IPv4Address(value) if cidr.version == 4 else ipaddress.IPv6Address(value)


def default_gateway(cidr: Range) -> Address:
    """Return the first usable address, Neutron's default gateway."""
    return usable(cidr)[0]


def check_gateway(gateway: Address, cidr: Range) -> None:
    """Raise InvalidInput for the network's own and the broadcast address; a gateway outside of ``cidr`` is allowed."""
    first, last = usable(cidr)
    outside = gateway.version == cidr.version and gateway not in cidr
    unusable = gateway.version != cidr.version or not int(first) <= int(gateway) <= int(last)
    if (unusable and not outside) or (outside and not _is_host(gateway)):
        raise exceptions.InvalidInput(reason=f"gateway_ip: Gateway {gateway} is not valid on subnet {cidr}")


def _is_host(address_: Address) -> bool:
    forbidden: Sequence[Range] = FORBIDDEN_V4 if address_.version == 4 else FORBIDDEN_V6
    return address_ in LINK_LOCAL_V6 or not any(address_ in other for other in forbidden)


def inside(cidr: Range, address_: Address | None) -> Address | None:
    """Return an address if it is in ``cidr``, else None."""
    return address_ if address_ is not None and address_ in cidr else None


def default_pools(cidr: Range, gateway: Address | None) -> list[Pool]:
    """Return every usable address but the gateway, as one or two pools."""
    first, last = usable(cidr)
    gateway = inside(cidr, gateway)
    if gateway is None:
        return [(first, last)]
    pools = []
    if int(gateway) > int(first):
        pools.append((first, _make(int(gateway) - 1, cidr)))
    if int(gateway) < int(last):
        pools.append((_make(int(gateway) + 1, cidr), last))
    return pools


def parse_pools(documents: Any, cidr: Range, gateway: Address | None) -> list[Pool]:
    """Parse allocation pools; they must be within ``cidr``, must not overlap, and must not contain the gateway.

    Raises InvalidAllocationPool, OutOfBoundsAllocationPool, OverlappingAllocationPools, GatewayConflict.
    """
    if len(documents) > MAX_POOLS:
        raise exceptions.InvalidInput(reason=f"allocation_pools: more than {MAX_POOLS} pools")
    pools = sorted((_parse_pool(document, cidr) for document in documents), key=lambda pool: int(pool[0]))
    for first, second in itertools.pairwise(pools):
        if int(second[0]) <= int(first[1]):
            raise exceptions.OverlappingAllocationPools(one=_text(first), two=_text(second), cidr=cidr)
    for pool in pools:
        if gateway is not None and int(pool[0]) <= int(gateway) <= int(pool[1]):
            raise exceptions.GatewayConflict(ip=gateway, pool=_text(pool))
    return pools


def _parse_pool(document: Any, cidr: Range) -> Pool:
    start = address(document.get("start"), field="allocation_pools.start")
    end = address(document.get("end"), field="allocation_pools.end")
    if start.version != cidr.version or end.version != cidr.version or int(start) > int(end):
        raise exceptions.InvalidAllocationPool(pool=_text((start, end)))
    first, last = usable(cidr)
    if int(start) < int(first) or int(end) > int(last):
        raise exceptions.OutOfBoundsAllocationPool(pool=_text((start, end)), cidr=cidr)
    return start, end


def _text(pool: Pool) -> str:
    return f"{pool[0]}-{pool[1]}"


def pool_documents(pools: Iterable[Pool]) -> list[dict[str, str]]:
    """Return pools as the API and the rows write them."""
    return [{"start": str(start), "end": str(end)} for start, end in pools]


def stored_pools(documents: Iterable[dict[str, str]]) -> list[Pool]:
    """Read pools that were checked when they were stored."""
    return [(ipaddress.ip_address(d["start"]), ipaddress.ip_address(d["end"])) for d in documents]


def candidates(pools: Sequence[Pool], count: int) -> list[str]:
    """Return ``count`` addresses by chance, spread evenly over the pools: concurrent callers rarely meet."""
    if not pools:
        return []
    sizes = [int(end) - int(start) + 1 for start, end in pools]
    chosen = random.choices(pools, weights=sizes, k=count)
    return [str(start + random.randint(0, int(end) - int(start))) for start, end in chosen]


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the fewest ranges with the same addresses, in order. All are of one version."""
    return list(ipaddress.collapse_addresses(ranges))  # type: ignore[type-var]


def covers(whole: Iterable[Range], part: Iterable[Range]) -> bool:
    """Whether every address of ``part`` is in ``whole``."""
    wholes = merged(whole)
    return all(any(other.subnet_of(cidr) for cidr in wholes) for other in merged(part))  # type: ignore[arg-type]


def without(cidr: Range, gone: Range) -> list[Range]:
    """Return what is left of a range when another is taken out of it."""
    if not overlap(cidr, gone):
        return [cidr]
    if cidr.subnet_of(gone):  # type: ignore[arg-type]
        return []
    return sorted(cidr.address_exclude(gone))  # type: ignore[arg-type]


def first_free(prefixes: Iterable[Range], taken: Iterable[Range], length: int) -> Range | None:
    """Return the lowest range of this prefix length within ``prefixes`` that shares no address with ``taken``."""
    held = sorted((int(cidr.network_address), int(cidr.broadcast_address)) for cidr in taken)
    for prefix in prefixes:
        if prefix.prefixlen > length:
            continue
        size = 1 << (prefix.max_prefixlen - length)
        start, end = int(prefix.network_address), int(prefix.broadcast_address)
        for first, last in held:
            if first >= start + size:
                break
            if last >= start:
                start = -(-(last + 1) // size) * size  # the next multiple
        if start + size - 1 <= end:
            return ipaddress.ip_network((_make(start, prefix), length))
    return None


AUTOMATIC_MODES = ("slaac", "dhcpv6-stateless")


def is_group_mac(mac: str) -> bool:
    """Return whether a MAC address is one of a group (multicast), from which nobody sends."""
    return bool(int(mac[:2], 16) & 1)


def is_automatic(subnet: Any) -> bool:
    """Return whether guests make their addresses in a subnet themselves, from the prefix and their MAC."""
    return subnet.ipv6_address_mode in AUTOMATIC_MODES or subnet.ipv6_ra_mode in AUTOMATIC_MODES


def eui64(cidr: str, mac: str) -> str:
    """Return the address that a guest with this MAC makes for itself in a /64 (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 0x02, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return str(ipaddress.IPv6Network(cidr)[int.from_bytes(interface, "big")])
