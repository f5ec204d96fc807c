"""The addresses that the cloud itself talks to: no tenant's network may hold one where ranges enter hosts' routes."""

import contextlib
import functools
import ipaddress
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from apps.networking import ranges

KEEP = 60  # seconds that the addresses are kept: reading them may ask a name server
_ROUTES, _ROUTES_V6, _RESOLVERS = Path("/proc/net/route"), Path("/proc/net/ipv6_route"), Path("/etc/resolv.conf")
_SYSTEMD = Path("/run/systemd/resolve/resolv.conf")
_UP_GATEWAY = 0x3  # RTF_UP and RTF_GATEWAY of linux/route.h


def conflict(cidr: ranges.Range) -> str | None:
    """Return which of the cloud's own addresses is in a range, for the operator's log; None if none is."""
    for own, reason in _own(int(time.monotonic() // KEEP)):
        if ranges.overlap(cidr, own):
            return f"{own}: {reason}"
    return None


def allowed(cidr: ranges.Range) -> bool:
    """Return whether the operator lets tenants use a range (CELERITY_TENANT_RANGES)."""
    permitted = [ipaddress.ip_network(text, strict=False) for text in settings.TENANT_RANGES]
    return any(network.version == cidr.version and cidr.subnet_of(network) for network in permitted)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=1)
def _own(_minute: int) -> list[tuple[ranges.Range, str]]:
    reserved: list[tuple[ranges.Range, str]] = []
    for reason, texts in (
        ("a management range", settings.MANAGEMENT_RANGES),
        ("a default gateway", gateways()),
        ("a resolver", resolvers()),
        ("the database", _addresses_of(settings.DATABASES["default"].get("HOST") or "")),
        ("the broker", _addresses_of(urlsplit(settings.BROKER_URL).hostname or "")),
        ("the public URL", _addresses_of(urlsplit(settings.PUBLIC_URL).hostname or "")),
    ):
        for text in texts:
            with contextlib.suppress(ValueError):
                reserved.append((ipaddress.ip_network(text.partition("%")[0], strict=False), reason))
    return reserved


def _lines(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return []


def gateways(v4: Path = _ROUTES, v6: Path = _ROUTES_V6) -> Iterator[str]:
    """Yield the default gateways of this machine, as the kernel writes them."""
    for words in _lines(v4)[1:]:
        if len(words) > 7 and words[1] == words[7] == "00000000" and int(words[3], 16) & _UP_GATEWAY == _UP_GATEWAY:
            yield socket.inet_ntop(socket.AF_INET, struct.pack("=I", int(words[2], 16)))
    for words in _lines(v6):
        if len(words) > 8 and words[0] == "0" * 32 and words[1] == "00" and words[4] != "0" * 32:
            yield socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[4]))


def resolvers(path: Path = _RESOLVERS) -> list[str]:
    """Return the name servers of this machine."""
    return [words[1] for words in _lines(path) if len(words) > 1 and words[0] == "nameserver"]


def resolvers_for_guests() -> list[str]:
    """Return the machine's name servers that others can ask. systemd's own one on loopback hides them in a file."""
    listed = [*resolvers(), *resolvers(_SYSTEMD)]
    usable = []
    for text in dict.fromkeys(listed):
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(text)
            if not address.is_loopback and not address.is_link_local:
                usable.append(str(address))
    return usable


def _addresses_of(host: str) -> set[str]:
    """Return the addresses of a host name; a path of a Unix socket and an unknown name have none."""
    if not host or host.startswith("/"):
        return set()
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()
