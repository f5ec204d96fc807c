"""Extra DHCP options of ports: which there are, and what their values may hold.

Names are Neutron's (of dnsmasq, or the option's number). A value is parsed for its option's kind: what reaches the
network engine is addresses, numbers, names, or a text of plain characters.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["address", "addresses", "number", "flag", "text", "host", "names", "routes"]
DISABLED = "dhcp_disabled"
"""With the value true, the port's guest gets no answer by DHCP at all."""
_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/,=@ -]{0,254}\Z")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_NUMBER = re.compile(r"\d{1,10}\Z")
_FLAGS = {"0": "0", "1": "1", "false": "0", "true": "1"}


@dataclass(frozen=True, slots=True)
class Option:
    """An option, by the name that it has in OVN. ``bits`` is the size of a number."""

    name: str
    kind: Kind
    bits: int = 32


@dataclass(frozen=True, slots=True)
class Value:
    """An option that a guest is sent: its name, its kind, and its values in their canonical form."""

    name: str
    kind: Kind
    values: tuple[str, ...]


# By IP version: Neutron's names, RFC 2132's number, and the option. What the cloud itself sets is not among them: the
# server's identity and the addresses.
_IPV4 = (
    ("router", "3", Option("router", "address")),
    ("dns-server", "6", Option("dns_server", "addresses")),
    ("log-server", "7", Option("log_server", "addresses")),
    ("lpr-server", "9", Option("lpr_server", "addresses")),
    ("domain-name", "15", Option("domain_name", "host")),
    ("swap-server", "16", Option("swap_server", "address")),
    ("ip-forward-enable", "19", Option("ip_forward_enable", "flag")),
    ("policy-filter", "21", Option("policy_filter", "addresses")),
    ("default-ttl", "23", Option("default_ttl", "number", 8)),
    ("mtu", "26", Option("mtu", "number", 16)),
    ("router-discovery", "31", Option("router_discovery", "flag")),
    ("router-solicitation", "32", Option("router_solicitation", "address")),
    ("arp-timeout", "35", Option("arp_cache_timeout", "number")),
    ("ethernet-encap", "36", Option("ethernet_encap", "flag")),
    ("tcp-ttl", "37", Option("tcp_ttl", "number", 8)),
    ("tcp-keepalive", "38", Option("tcp_keepalive_interval", "number")),
    ("nis-server", "41", Option("nis_server", "addresses")),
    ("ntp-server", "42", Option("ntp_server", "addresses")),
    ("lease-time", "51", Option("lease_time", "number")),
    ("T1", "58", Option("T1", "number")),
    ("T2", "59", Option("T2", "number")),
    ("tftp-server", "66", Option("tftp_server", "host")),
    ("bootfile-name", "67", Option("bootfile_name", "text")),
    ("domain-search", "119", Option("domain_search_list", "names")),
    ("classless-static-route", "121", Option("classless_static_route", "routes")),
    ("tftp-server-address", "150", Option("tftp_server_address", "addresses")),
    ("path-prefix", "210", Option("path_prefix", "text")),
    ("ms-classless-static-route", "249", Option("ms_classless_static_route", "routes")),
    ("wpad", "252", Option("wpad", "text")),
    ("server-ip-address", "255", Option("next_server", "address")),
)
_IPV6 = (
    ("dns-server", "23", Option("dns_server", "addresses")),
    ("domain-search", "24", Option("domain_search", "names")),
)
OPTIONS: dict[int, dict[str, Option]] = {
    version: {name: option for *names, option in rows for name in names} for version, rows in ((4, _IPV4), (6, _IPV6))
}


def is_known(name: str, version: int) -> bool:
    """Say whether the cloud knows an option of this name."""
    return name == DISABLED or name in OPTIONS[version]


def check(name: str, text: str, version: int) -> None:
    """Raise ValueError, in words, for a value that the option cannot have. The option must be known."""
    if name == DISABLED:
        _flag(text)
    else:
        _parsed(OPTIONS[version][name], text)


def disables(name: str, text: str) -> bool:
    """Say whether this takes DHCP away from the port."""
    return name == DISABLED and _FLAGS.get(text.lower()) == "1"


def parse(name: str, text: str, version: int) -> Value | None:
    """Return what a guest is sent; None for addresses of the other IP version, which are kept and not sent.

    Raises ValueError for what `check` refuses, and for an unknown option.
    """
    option = OPTIONS[version].get(name)
    if option is None:
        raise ValueError(f"unknown: {name}")
    values = _parsed(option, text)
    if option.kind in ("address", "addresses"):
        values = tuple(value for value in values if ipaddress.ip_address(value).version == version)
    return Value(option.name, option.kind, values) if values else None


def _parsed(option: Option, text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",")]
    if option.kind == "number":
        return (_number(text, option.bits),)
    if option.kind == "routes":
        return _routes(parts)
    if option.kind == "addresses":
        return tuple(_address(part) for part in parts)
    if option.kind == "names":
        return tuple(_name(part) for part in parts)
    return (_ONE[option.kind](text),)


def _number(text: str, bits: int) -> str:
    if not _NUMBER.match(text) or int(text) >= 1 << bits:
        raise ValueError(f"it is a number below {1 << bits}")
    return str(int(text))


def _flag(text: str) -> str:
    if text.lower() not in _FLAGS:
        raise ValueError("it is true or false")
    return _FLAGS[text.lower()]


def _plain(text: str) -> str:
    if not _TEXT.match(text):
        raise ValueError("it may hold letters, digits, spaces and . _ : / , = @ - only")
    return text


def _address(text: str) -> str:
    if "%" in text:
        raise ValueError("it is an IP address")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("it is an IP address") from None


def _name(text: str) -> str:
    name = text.removesuffix(".")
    if len(name) > 253 or not all(_LABEL.match(label) for label in name.split(".")):
        raise ValueError("it is a host name")
    return name


def _host(text: str) -> str:
    """Return an address or a name."""
    try:
        return _address(text)
    except ValueError:
        return _name(text)


def _routes(parts: list[str]) -> tuple[str, ...]:
    """Return destinations and next hops in turn."""
    if len(parts) % 2:
        raise ValueError("it is pairs of a destination and a next hop: 10.1.0.0/16,10.0.0.1")
    try:
        routes = [
            (str(ipaddress.IPv4Network(to)), str(ipaddress.IPv4Address(via)))
            for to, via in zip(parts[::2], parts[1::2], strict=True)
        ]
    except ValueError as error:
        raise ValueError(f"it is pairs of a destination and a next hop: {error}") from None
    return tuple(part for route in routes for part in route)


_ONE = {"address": _address, "flag": _flag, "text": _plain, "host": _host}
