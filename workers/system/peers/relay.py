"""Carries the bytes of a local socket through a TLS connection, both ways, until both sides have ended.

The bytes travel in frames of four bytes of length and as many of content; an empty frame is the end of one way. So each
way ends by itself, as it does between sockets.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections import deque
from contextlib import suppress

from workers.system.peers.errors import PeerUnreachable

_CHUNK = 256 * 1024
_WAITING = 1024 * 1024  # as many bytes may wait for a slow reader
_END = b"\0\0\0\0"


class _Frames:
    """Frames that arrive in pieces."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self.ended = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the contents of the frames that are complete now."""
        self._rest += data
        done: list[bytes] = []
        at = 0
        while len(self._rest) - at >= 4:
            length = int.from_bytes(self._rest[at : at + 4], "big")
            if length > _CHUNK:
                raise PeerUnreachable("The other host does not speak this protocol.", details=f"{length} bytes")
            if length == 0:
                self.ended = True
            elif len(self._rest) - at < 4 + length:
                break
            else:
                done.append(bytes(self._rest[at + 4 : at + 4 + length]))
            at += 4 + length
        del self._rest[:at]
        return done


class _Queue:
    """Bytes that wait to be written."""

    def __init__(self) -> None:
        self._parts: deque[memoryview] = deque()
        self.size = 0

    def add(self, data: bytes) -> None:
        """Let them wait."""
        self._parts.append(memoryview(data))
        self.size += len(data)

    def write(self, connection: socket.socket) -> None:
        """Write until nothing waits; lets the errors of a socket that cannot take more through."""
        while self._parts:
            done = connection.send(self._parts[0])
            self.size -= done
            if done == len(self._parts[0]):
                self._parts.popleft()
            else:
                self._parts[0] = self._parts[0][done:]


class _Relay:
    def __init__(self, tls: ssl.SSLSocket, local: socket.socket) -> None:
        self.tls, self.local = tls, local
        self.out, self.back = _Queue(), _Queue()
        self.frames = _Frames()
        self.local_ended = self.shut = False
        self.tls_wants_write = False

    def run(self) -> None:
        """Pass bytes on both ways until both ends have ended."""
        self.tls.setblocking(False)
        self.local.setblocking(False)
        while not self._is_over():
            self._wait()
            self._read_local()
            self._read_tls()
            self._write()

    def _is_over(self) -> bool:
        return self.local_ended and self.shut and not (self.out.size or self.back.size)

    def _wait(self) -> None:
        poll = select.poll()
        local = tls = 0
        if not self.local_ended and self.out.size < _WAITING:
            local |= select.POLLIN
        if self.back.size:
            local |= select.POLLOUT
        if not self.frames.ended and self.back.size < _WAITING:
            if self.tls.pending():
                return
            tls |= select.POLLIN
        if self.out.size or self.tls_wants_write:
            tls |= select.POLLOUT
        if local:
            poll.register(self.local, local)
        if tls:
            poll.register(self.tls, tls)
        poll.poll()

    def _read_local(self) -> None:
        if self.local_ended or self.out.size >= _WAITING:
            return
        try:
            data = self.local.recv(_CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if data:
            self.out.add(len(data).to_bytes(4, "big") + data)
        else:
            self.local_ended = True
            self.out.add(_END)

    def _read_tls(self) -> None:
        self.tls_wants_write = False
        while not self.frames.ended and self.back.size < _WAITING:
            try:
                data = self.tls.recv(_CHUNK)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLWantWriteError:
                self.tls_wants_write = True
                return
            if not data:
                raise PeerUnreachable("The other host closed the connection.")
            for part in self.frames.feed(data):
                self.back.add(part)

    def _write(self) -> None:
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.out.write(self.tls)
        with suppress(BlockingIOError):
            self.back.write(self.local)
        if self.frames.ended and not self.back.size and not self.shut:
            self.shut = True
            with suppress(OSError):
                self.local.shutdown(socket.SHUT_WR)


def relay(tls: ssl.SSLSocket, local: socket.socket) -> None:
    """Carry bytes until both ways have ended; a connection that breaks ends both. Closes both."""
    with tls, local:
        try:
            _Relay(tls, local).run()
        except (OSError, PeerUnreachable):  # who uses the connection sees that it ended
            return
        with suppress(OSError):
            tls.setblocking(True)
            tls.settimeout(1)
            tls.unwrap()
