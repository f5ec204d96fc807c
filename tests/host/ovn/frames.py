"""Frames that no honest guest sends: written byte by byte, sent and seen on a guest's card as they are.

Each ends in a word, behind what its headers count, by which the one who sees it knows it.
"""

from __future__ import annotations

import ipaddress
import re
import struct
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tests.host.ovn.guests import Guest

WORD = re.compile(rb"<([a-z ]+)>$")
_SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
for line in sys.stdin: s.send(bytes.fromhex(line))
"""
_SEE = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(("eth0", 3)); print("ready", flush=True)
while True:
    data, sender = s.recvfrom(2000)
    if sender[2] != 4: print(data.hex(), flush=True)
"""


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _sum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)


def datagram(source: tuple[str, str], to: tuple[str, str]) -> bytes:
    """A datagram of UDP, each end a MAC and an address of either version."""
    (from_mac, from_ip), (to_mac, to_ip) = source, to
    ends = ipaddress.ip_address(from_ip).packed + ipaddress.ip_address(to_ip).packed
    body = struct.pack("!4H", 5000, 5001, 8, 0)
    body = body[:6] + _sum(ends + struct.pack("!2H", 17, 8) + body)
    if ":" in from_ip:
        return _mac(to_mac) + _mac(from_mac) + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, 8, 17, 64) + ends + body
    head = struct.pack("!2BHIBBH", 0x45, 0, 28, 0, 64, 17, 0)
    head = head[:10] + _sum(head + ends)
    return _mac(to_mac) + _mac(from_mac) + b"\x08\x00" + head + ends + body


def arp(from_mac: str, to_mac: str, *, claims: tuple[str, str]) -> bytes:
    """An answer of ARP that claims an address for a MAC."""
    mac, ip = claims
    body = struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + _mac(mac) + ipaddress.ip_address(ip).packed
    return _mac(to_mac) + _mac(from_mac) + b"\x08\x06" + body + _mac(to_mac) + bytes(4)


def neighbour(source: tuple[str, str], to: tuple[str, str], *, claims: str) -> bytes:
    """A neighbour advertisement that claims an IPv6 address."""
    (from_mac, from_ip), (to_mac, to_ip) = source, to
    ends = ipaddress.ip_address(from_ip).packed + ipaddress.ip_address(to_ip).packed
    body = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + ipaddress.ip_address(claims).packed
    body += b"\x02\x01" + _mac(from_mac)
    body = body[:2] + _sum(ends + struct.pack("!2I", len(body), 58) + body) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255)
    return _mac(to_mac) + _mac(from_mac) + b"\x86\xdd" + head + ends + body


def send(of: Guest, frames: Mapping[str, bytes]) -> None:
    """Send frames on the guest's card, in order."""
    lines = "".join((frame + f"<{word}>".encode()).hex() + "\n" for word, frame in frames.items())
    argv = ["ip", "netns", "exec", of.netns, "python3", "-c", _SEND]
    subprocess.run(argv, input=lines, text=True, check=True, timeout=30)


class Seen:
    """The words of frames as they come in."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    def until(self, last: str) -> set[str]:
        """The words since the last call, up to one that has to come: what it has overtaken does not come."""
        words = set()
        for line in self._lines:
            if found := WORD.search(bytes.fromhex(line)):
                words.add(found[1].decode())
                if found[1].decode() == last:
                    return words - {last}
        raise AssertionError(f"no frame {last!r}")


@contextmanager
def seen(of: Guest) -> Iterator[Seen]:
    """What comes in on the guest's card."""
    argv = ["timeout", "60", "ip", "netns", "exec", of.netns, "python3", "-c", _SEE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Seen(process.stdout)
        process.terminate()
