"""TLS between hosts: both sides show their certificate, and each knows the other by its name in it."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from workers.system.peers.errors import PeerUnreachable

HANDSHAKE_SECONDS = 10.0
_SILENT_MS = 15_000  # a host that acknowledges nothing for so long is gone


def context(pki: Path, *, server: bool) -> ssl.SSLContext:
    """Return the context of one side. Raises PeerUnreachable where this host has no certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_cert_chain(pki / "host.pem")
        made.load_verify_locations(pki / "authority.pem")
    except (OSError, ssl.SSLError) as error:
        raise PeerUnreachable("This host has no certificate of the cloud's authority.", details=str(error)) from error
    return made


def name_of(connection: ssl.SSLSocket) -> str:
    """Return the other side's name in its certificate."""
    subject: Any = (connection.getpeercert() or {}).get("subject", ())
    names = [value for part in subject for key, value in part if key == "commonName"]
    return str(names[0]) if len(names) == 1 else ""


def watch_silence(connection: socket.socket) -> None:
    """Let the connection break when the other host is gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
