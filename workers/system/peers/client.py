"""Asking another host: for a file, for a few bytes, or for a socket there, to which a door here leads."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from workers.system.peers import messages, tls
from workers.system.peers.errors import PeerRefused, PeerUnreachable
from workers.system.peers.relay import relay

_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """Another host: its name, as its certificate has it, the address of its agent ("192.0.2.2:8774"), and the directory
    of our own certificate.
    """

    host: str
    address: str
    pki: Path


def open_part(peer: Peer, server_id: str, part: str) -> tuple[ssl.SSLSocket, int]:
    """Return a connection behind the answer's first line, and the size that this names, in bytes.

    Raises PeerUnreachable, PeerRefused.
    """
    name, _, port = peer.address.rpartition(":")
    if not port.isdigit():
        raise PeerUnreachable(f"The host {peer.host} takes no connections from other hosts.", details=peer.address)
    context = tls.context(peer.pki, server=False)
    try:
        raw = socket.create_connection((name.strip("[]"), int(port)), timeout=tls.HANDSHAKE_SECONDS)
        tls.watch_silence(raw)
        messages.change_protocol(raw, peer.address)
        connection = context.wrap_socket(raw, server_hostname=peer.host)
        messages.send(connection, {"server": server_id, "part": part})
        answer = messages.receive(connection)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise PeerUnreachable(f"The host {peer.host} does not answer.", details=str(error)) from error
    if not answer.get("ok"):
        connection.close()
        raise PeerRefused(f"The host {peer.host} refused.", details=str(answer.get("why", ""))[:500])
    return connection, int(answer.get("size", 0))


def read(peer: Peer, server_id: str, part: str, limit: int = 16 * 1024 * 1024) -> bytes:
    """Return a part of at most `limit` bytes. Raises PeerUnreachable, PeerRefused."""
    connection, size = open_part(peer, server_id, part)
    if size > limit:
        connection.close()
        raise PeerRefused(f"What the host {peer.host} has is too large.", details=f"{part}: {size} bytes")
    with connection:
        pieces = list(_pieces(connection, size, peer))
    return b"".join(pieces)


def fetch(peer: Peer, server_id: str, part: str, target: Path, stop: threading.Event | None = None) -> bool:
    """Write a part to a new file. Returns False if `stop` was set meanwhile; the caller removes the file."""
    connection, size = open_part(peer, server_id, part)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with connection, open(handle, "wb", buffering=0) as sink:
        for piece in _pieces(connection, size, peer):
            if stop is not None and stop.is_set():
                return False
            sink.write(piece)
    return True


def _pieces(connection: ssl.SSLSocket, size: int, peer: Peer) -> Iterator[bytes]:
    left = size
    while left:
        try:
            piece = connection.recv(min(left, _CHUNK))
        except OSError as error:
            raise PeerUnreachable(f"The host {peer.host} does not answer.", details=str(error)) from error
        if not piece:
            raise PeerUnreachable(f"The host {peer.host} closed the connection.", details=f"{left} bytes are missing")
        left -= len(piece)
        yield piece


class Doors:
    """Unix sockets here, each of which leads to a part of a server on another host. For a `with` block."""

    def __init__(self, peer: Peer, server_id: str, parts: Mapping[str, str]) -> None:
        """`parts` names the part behind each path."""
        self._peer, self._server_id, self._parts = peer, server_id, dict(parts)
        self._listeners: list[socket.socket] = []
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def __enter__(self) -> Doors:
        try:
            for path, part in self._parts.items():
                with suppress(FileNotFoundError):
                    os.unlink(path)
                listener = socket.socket(socket.AF_UNIX)
                self._listeners.append(listener)
                listener.bind(path)
                os.chmod(path, 0o600)
                listener.listen(4)
                threading.Thread(target=self._serve, args=(listener, part), name=f"door {part}", daemon=True).start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close doors and what is open behind them."""
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        for path in self._parts:
            with suppress(OSError):
                os.unlink(path)
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, listener: socket.socket, part: str) -> None:
        while True:
            try:
                local, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(local, part), name=f"relay {part}", daemon=True).start()

    def _carry(self, local: socket.socket, part: str) -> None:
        with self._guard:
            self._open.add(local)
        try:
            connection, _ = open_part(self._peer, self._server_id, part)
            relay(connection, local)
        except (PeerUnreachable, PeerRefused, OSError):
            """Who knocked sees that the door is shut."""
        finally:
            with self._guard:
                self._open.discard(local)
            local.close()
