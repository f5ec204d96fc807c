"""A server's disks between two hosts: a stream of frames within mutual TLS, which leaves holes out.

The receiver asks the other agent's HTTP server for them by a signed path, and both change to TLS on that connection
(RFC 2817). Each proves by its certificate which host it is. Then come a line of JSON that names the files, the frames
of each (offset, length, data), a frame without data at its end, and the SHA-256 of its frames.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from workers.drivers.errors import Stopped
from workers.drivers.storage.errors import FilesMissing, NotEnoughSpace, StorageUnavailable, TransferFailed
from workers.drivers.storage.moves import ServerSource

UPGRADE = "TLS/1.3"
CHUNK = 1 << 20
HEAD_BYTES = 64 * 1024
CONNECT_S, IDLE_S = 10.0, 60.0
_FRAME = struct.Struct("!QI")

Write = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as its host says: ``length`` and ``data`` in bytes, with and without holes; ``disk``: its record."""

    name: str
    length: int
    data: int
    disk: Mapping[str, Any] | None = None


def context(pki: Path | None, *, server: bool) -> ssl.SSLContext:
    """Return the TLS of this host's certificate: only hosts of the cloud are let in. Raises StorageUnavailable."""
    try:
        if pki is None:
            raise FileNotFoundError("no directory of certificates")
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_3
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(pki / "authority.pem")
        made.load_cert_chain(pki / "host.pem")
        return made
    except (OSError, ssl.SSLError) as error:
        raise StorageUnavailable(
            "The host has no certificate of the cloud, without which no server is moved.", details=str(error)
        ) from error


def send(entries: list[tuple[SentFile, Path]], write: Write) -> None:
    """Write files to a connection. Raises OSError."""
    head = [
        {"name": entry.name, "length": entry.length, "data": entry.data, "disk": entry.disk} for entry, _ in entries
    ]
    write(json.dumps(head).encode() + b"\n")
    for entry, path in entries:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as stream:
            for offset, data in _extents(stream.fileno(), entry.length):
                frame = _FRAME.pack(offset, len(data))
                digest.update(frame)
                digest.update(data)
                write(frame)
                write(data)
        write(_FRAME.pack(entry.length, 0) + digest.digest())


def described(path: Path, disk: Mapping[str, Any] | None = None, *, name: str = "") -> SentFile:
    """Describe a file that is to be sent."""
    status = path.stat()
    return SentFile(name or path.name, status.st_size, min(status.st_size, status.st_blocks * 512), disk)


def _extents(handle: int, length: int) -> Iterator[tuple[int, bytes]]:
    """Give the data of a file with its offsets, in chunks; holes are left out."""
    position = 0
    while position < length:
        try:
            start = os.lseek(handle, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole
                return
            raise
        end = min(os.lseek(handle, start, os.SEEK_HOLE), length)
        while start < end:
            data = os.pread(handle, min(CHUNK, end - start), start)
            if not data:
                return
            yield start, data
            start += len(data)
        position = end


class Receiver:
    """A connection to the host that has the files; `head` describes them.

    Raises TransferFailed, FilesMissing, Stopped.
    """

    def __init__(self, source: ServerSource, tls: ssl.SSLContext, stop: Event) -> None:
        """Connect, and read what is to come."""
        self._stop, self._buffer = stop, b""
        at = urlsplit(source.url)
        try:
            plain = socket.create_connection((at.hostname or "", at.port or 0), timeout=CONNECT_S)
            plain.settimeout(IDLE_S)
            try:
                _ask(plain, source)
                self._socket = tls.wrap_socket(plain, server_hostname=source.host)
            except BaseException:
                plain.close()
                raise
        except (OSError, ssl.SSLError) as error:
            raise TransferFailed("The server's host does not answer.", details=f"{source.host}: {error}") from error
        try:
            self.head = [_described(item) for item in json.loads(self._line())]
        except (ValueError, TypeError, KeyError) as error:
            self.close()
            raise TransferFailed("The server's host answered in another form.", details=str(error)) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def receive(self, entry: SentFile, target: Path, check: Callable[[], None]) -> None:
        """Write the next file, which `entry` describes. `check` is called now and then, and may raise."""
        digest, done = hashlib.sha256(), 0
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(handle, "wb", buffering=0) as sink, _written():
            while True:
                frame = self._read(_FRAME.size)
                offset, size = _FRAME.unpack(frame)
                if size == 0:
                    break
                done += size
                if size > CHUNK or offset + size > entry.length or done > entry.length:
                    raise TransferFailed("The server's host sent more than it said.", details=entry.name)
                data = self._read(size)
                digest.update(frame)
                digest.update(data)
                os.pwrite(sink.fileno(), data, offset)
                check()
            os.ftruncate(sink.fileno(), entry.length)
            if self._read(digest.digest_size) != digest.digest():
                raise TransferFailed("A disk changed on its way.", details=entry.name)

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._read(1)
            if len(line) > HEAD_BYTES:
                raise ValueError("the list of files is too long")
        return line

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _more(self) -> bytes:
        since = time.monotonic()
        while not self._socket.pending() and not select.select([self._socket], [], [], 1.0)[0]:
            self._check_stop()
            if time.monotonic() - since > IDLE_S:
                raise TransferFailed("The server's host has stopped sending.")
        self._check_stop()
        try:
            data = self._socket.recv(CHUNK)
        except OSError as error:
            raise TransferFailed("The server's host broke off.", details=str(error)) from error
        if not data:
            raise TransferFailed("The server's host broke off.")
        return data

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped("The copy was stopped.")


def _ask(plain: socket.socket, source: ServerSource) -> None:
    """Send the request, and read the answer up to its empty line, byte by byte: TLS begins behind it."""
    at = urlsplit(source.url)
    lines = [f"GET {source.path} HTTP/1.1", f"Host: {at.netloc}", "Connection: Upgrade", f"Upgrade: {UPGRADE}"]
    lines += [f"{name}: {value}" for name, value in source.headers.items()]
    plain.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = plain.recv(1)
        if not byte or len(answer) > HEAD_BYTES:
            raise TransferFailed("The server's host broke off.", details=answer[:200].decode("utf-8", "replace"))
        answer += byte
    status = answer.split(b" ", 2)[1:2]
    if status == [b"404"]:
        raise FilesMissing("The disks of the server are not on its host.", details=f"{source.path} on {source.host}")
    if status != [b"101"]:
        text = answer[:200].decode("utf-8", "replace")
        raise TransferFailed("The server's host does not give its disks now.", details=f"{source.host}: {text}")


def _described(item: Mapping[str, Any]) -> SentFile:
    entry = SentFile(str(item["name"]), int(item["length"]), int(item["data"]), item["disk"])
    if not 0 <= entry.data <= entry.length <= 1 << 50 or not isinstance(entry.disk, Mapping | None):
        raise ValueError(f"{entry.name} is of no possible size")
    return entry


@contextmanager
def _written() -> Iterator[None]:
    """Raise an OSError of the file as the storage's own."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotEnoughSpace("The host has no space for the server.", details=str(error)) from error
        raise StorageUnavailable("The host's disk refused.", details=str(error)) from error
