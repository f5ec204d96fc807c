"""This host's address for the API and for other hosts."""

import ipaddress
import socket

_EVERYWHERE = ("", "*", "0.0.0.0", "::")  # noqa: S104 - what is recognised, not listened on


def of_host(given: str, listen: str, database: str) -> str:
    """Return the address that was given, else that of "address:port" where the agent listens: an IP address or a name.

    Where that means every address, it is the one by which this host reaches the database. Nothing is sent.
    """
    address = given or listen.rpartition(":")[0].strip("[]")
    return address if address not in _EVERYWHERE else _towards(database)


def in_url(address: str) -> str:
    """Return an address as a URL has it."""
    return f"[{address}]" if ":" in address else address


def resolved(address: str) -> str:
    """Return the IP address of a name, "" where nobody knows it."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(address, None, type=socket.SOCK_DGRAM)[0][4][0])
    except OSError:
        return ""


def _towards(host: str) -> str:
    peer = resolved(host) or "127.0.0.1"
    with socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((peer, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
