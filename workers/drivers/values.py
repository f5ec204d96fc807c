"""Checks of values in specs, shared by all families of drivers."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
import uuid

from workers.drivers.errors import SpecInvalid

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}\Z")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_SHA512 = re.compile(r"[0-9a-f]{128}\Z")


def is_uuid(value: str) -> bool:
    """Say whether it is the canonical lower-case text of a UUID."""
    try:
        return str(uuid.UUID(value)) == value
    except (ValueError, AttributeError, TypeError):
        return False


def check_uuid(value: str, what: str) -> None:
    """Accept the canonical lower-case text of a UUID only (it becomes a file name); else raise SpecInvalid."""
    if not is_uuid(value):
        raise SpecInvalid(f"{what} is not a UUID: {value!r}")


def check_interface_name(value: str, what: str) -> None:
    """Accept a kernel interface name: at most 15 characters, no slash, space or leading punctuation."""
    if not _INTERFACE.match(value):
        raise SpecInvalid(f"{what} is not an interface name: {value!r}")


def check_mac(value: str) -> None:
    """Accept a lower-case, colon-separated unicast MAC address."""
    if not _MAC.match(value) or int(value[1], 16) & 1:
        raise SpecInvalid(f"not a unicast MAC address: {value!r}")


def check_address(value: str) -> None:
    """Accept a bare IPv4 or IPv6 address without a scope."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise SpecInvalid(f"not an IP address: {value!r}") from None
    if "%" in value:
        raise SpecInvalid(f"an address with a scope: {value!r}")


def is_address(value: str) -> bool:
    """Say whether it is a bare address."""
    try:
        check_address(value)
    except SpecInvalid:
        return False
    return True


def check_cidr(value: str) -> None:
    """Accept a network with its host bits zero."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise SpecInvalid(f"not a network: {value!r}") from None
    if "%" in value:
        raise SpecInvalid(f"a network with a scope: {value!r}")


def check_interface_address(value: str) -> None:
    """Accept an address with the length of its network: 10.0.0.1/24."""
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        raise SpecInvalid(f"not an address with a length: {value!r}") from None
    if "%" in value or "/" not in value:
        raise SpecInvalid(f"an address with a scope, or without a length: {value!r}")


def check_hostname(value: str, what: str) -> None:
    """Accept an RFC 1123 name: labels of letters, digits and hyphens, at most 253 characters in all."""
    if len(value) > 253 or not all(_LABEL.match(label) for label in value.split(".")):
        raise SpecInvalid(f"{what} is not a host name: {value!r}")


def check_sha512(value: str) -> None:
    """Accept 128 lower-case hexadecimal digits (they become a file name)."""
    if not _SHA512.match(value):
        raise SpecInvalid("not a SHA-512 in lower-case hexadecimal")


def check_plain_text(value: str, what: str) -> None:
    """Refuse control characters, line separators and lone surrogates: text that must stay on one line."""
    if any(unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") for ch in value):
        raise SpecInvalid(f"{what} holds a control character")


def check_range(value: int, what: str, low: int, high: int) -> None:
    """Accept an integer in low..high, both included."""
    if not low <= value <= high:
        raise SpecInvalid(f"{what} must be between {low} and {high}: {value}")


def parse_cpus(text: str) -> set[int]:
    """Return the processors of a set as the kernel and libvirt write it: ``0-2,7``."""
    cpus: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus
