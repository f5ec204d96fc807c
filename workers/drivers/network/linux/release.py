"""Sends DHCPRELEASE (RFC 2131, 4.4.6) for a removed guest, so that its address is free at once."""

from __future__ import annotations

import secrets
import socket
import struct

_SERVER_PORT = 67
_MAGIC = bytes([99, 130, 83, 99])
_BOOTREQUEST, _ETHERNET = 1, 1
_MESSAGE_TYPE, _RELEASE = 53, 7
_SERVER_ID, _END = 54, 255


def message(mac: str, address: str, server: str, transaction: int) -> bytes:
    """The packet's bytes. `address` is the one that DHCP releases."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    head = struct.pack(
        "!BBBBIHH4s4s4s4s16s64s128s",
        _BOOTREQUEST,
        _ETHERNET,
        len(hardware),
        0,
        transaction,
        0,
        0,
        socket.inet_aton(address),
        bytes(4),
        bytes(4),
        bytes(4),
        hardware,
        b"",
        b"",
    )
    options = bytes([_MESSAGE_TYPE, 1, _RELEASE, _SERVER_ID, 4]) + socket.inet_aton(server)
    return head + _MAGIC + options + bytes([_END])


def release(bridge: str, mac: str, address: str, server: str) -> None:
    """Send a DHCPRELEASE to the server on `bridge`. A release has no answer; the leases show whether it worked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode() + b"\0")
        sender.sendto(message(mac, address, server, secrets.randbits(32)), (server, _SERVER_PORT))
