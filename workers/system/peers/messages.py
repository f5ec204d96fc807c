"""The first lines of a connection: what is asked for, and the answer."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

from workers.system.peers.errors import PeerUnreachable

_LINE_BYTES = 4096


# An agent's HTTP server is asked for another protocol on the connection (RFC 9110, 7.8): TLS, and in it these messages.
PATH = "/peer"
PROTOCOL = "TLS/1.3"
ASK = f"GET {PATH} HTTP/1.1\r\nHost: {{}}\r\nConnection: Upgrade\r\nUpgrade: {PROTOCOL}\r\n\r\n"
GRANT = f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {PROTOCOL}\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One part of one server."""

    server_id: str
    part: str


def change_protocol(connection: socket.socket, address: str) -> None:
    """Ask an agent for this protocol; read nothing behind its answer. Raises PeerUnreachable."""
    connection.sendall(ASK.format(address).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(answer) > _LINE_BYTES:
            raise PeerUnreachable("The other host closed the connection.", details=repr(answer[:200]))
        answer += byte
    if answer.split(b" ", 2)[1:2] != [b"101"]:
        raise PeerUnreachable("The other host takes no connections from hosts.", details=repr(answer[:200]))


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send a line."""
    connection.sendall(json.dumps(message).encode() + b"\n")


def receive(connection: socket.socket) -> dict[str, Any]:
    """Read a line, and nothing behind it. Raises PeerUnreachable."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte or len(line) > _LINE_BYTES:
            raise PeerUnreachable("The other host closed the connection.", details=repr(line[:200]))
        line += byte
    try:
        message = json.loads(line)
    except ValueError as error:
        raise PeerUnreachable("The other host does not speak this protocol.", details=repr(line[:200])) from error
    if not isinstance(message, dict):
        raise PeerUnreachable("The other host does not speak this protocol.", details=repr(line[:200]))
    return message
