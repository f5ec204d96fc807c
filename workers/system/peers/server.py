"""The side that is asked: shows its certificate, asks for the other's, and gives what `admit` allows."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workers.system.peers import messages, tls
from workers.system.peers.errors import PeerError, PeerRefused, PeerUnreachable
from workers.system.peers.messages import Request
from workers.system.peers.relay import relay

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is given: a unix socket that is connected through, a file, or bytes."""

    socket: str = ""
    file: Path | None = None
    data: bytes = b""


Admit = Callable[[str, Request], Offer]
"""Called with the asking host's name. Raises PeerRefused."""


def answer(raw: socket.socket, context: ssl.SSLContext, admit: Admit) -> None:
    """Serve one connection, on which TLS begins, to its end. Raises PeerError and OSError."""
    raw.settimeout(tls.HANDSHAKE_SECONDS)
    tls.watch_silence(raw)
    with context.wrap_socket(raw, server_side=True) as connection:
        asked = messages.receive(connection)
        request = Request(str(asked.get("server", "")), str(asked.get("part", "")))
        name = tls.name_of(connection)
        try:
            offer = admit(name, request)
            local = _connect(offer.socket) if offer.socket else None
        except PeerError as error:
            _log.warning("refused to %s: %s of %s: %s", name, request.part, request.server_id, error.details)
            messages.send(connection, {"ok": False, "why": error.message})
            return
        if local is not None:
            messages.send(connection, {"ok": True})
            relay(connection, local)
        else:
            _give(connection, offer)


def _connect(path: str) -> socket.socket:
    local = socket.socket(socket.AF_UNIX)
    try:
        local.connect(path)
    except OSError as error:
        local.close()
        raise PeerUnreachable("Nobody listens there.", details=f"{path}: {error}") from error
    return local


def _give(connection: ssl.SSLSocket, offer: Offer) -> None:
    if offer.file is None:
        messages.send(connection, {"ok": True, "size": len(offer.data)})
        connection.sendall(offer.data)
        return
    try:
        stream = offer.file.open("rb")
    except OSError as error:
        messages.send(connection, {"ok": False, "why": "The file is not here."})
        raise PeerRefused("The file is not here.", details=str(error)) from error
    with stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        messages.send(connection, {"ok": True, "size": size})
        if size:
            connection.sendfile(stream, count=size)
