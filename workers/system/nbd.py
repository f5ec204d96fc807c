"""A client of NBD on a unix socket: reads and writes an export, and knows which parts of it read as zeros.

As the protocol's document says (github.com/NetworkBlockDevice/nbd, doc/proto.md): fixed newstyle negotiation,
structured replies, the metadata context `base:allocation`. One request at a time.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType

_IHAVEOPT, _REPLY_MAGIC = 0x49484156454F5054, 0x3E889045565A9
_REQUEST_MAGIC, _SIMPLE_MAGIC, _CHUNK_MAGIC = 0x25609513, 0x67446698, 0x668E33EF
_OPT_GO, _OPT_STRUCTURED, _OPT_META = 7, 8, 10
_REP_ACK, _REP_INFO, _REP_META = 1, 3, 4
_READ, _WRITE, _DISCONNECT, _FLUSH, _WRITE_ZEROES, _BLOCK_STATUS = 0, 1, 2, 3, 6, 7
_DATA, _HOLE, _STATUS, _ERROR = 1, 2, 5, 0x8000
_READS_ZERO = 2  # of base:allocation
_CAN_ZERO = 1 << 6
_CONTEXT = b"base:allocation"
_TIMEOUT_S = 120.0
_MAX_ANSWER = 64 << 20
MAX_REQUEST = 32 << 20
_STATUS_SPAN = 1 << 30


class NbdError(Exception):
    """The server refused, broke the protocol, or went away."""


class Client:
    """A connection to an export, for a `with` block. Raises NbdError everywhere."""

    def __init__(self, path: str, export: str) -> None:
        """Remember where; nothing is opened."""
        self._path, self._export = path, export.encode()
        self._socket: socket.socket | None = None
        self._can_zero = self._has_status = False
        self.size = 0

    def __enter__(self) -> Client:
        """Connect and negotiate; `size` is known then, in bytes."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_TIMEOUT_S)
        self._socket = connection
        try:
            connection.connect(self._path)
            self._negotiate()
        except (OSError, struct.error) as error:
            connection.close()
            raise NbdError(f"{self._path}: {error}") from error
        except BaseException:
            connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say good-bye, and close."""
        if self._socket is not None:
            with suppress(NbdError):
                self._send(struct.pack(">IHHQQI", _REQUEST_MAGIC, 0, _DISCONNECT, 0, 0, 0))
            self._socket.close()

    def read(self, offset: int, length: int) -> bytes:
        """Read at most MAX_REQUEST bytes."""
        buffer = bytearray(length)
        for kind, payload in self._ask(_READ, offset, length):
            if kind == _DATA:
                start = struct.unpack(">Q", payload[:8])[0] - offset
                part = payload[8:]
            elif kind == _HOLE:
                start, size = struct.unpack(">QI", payload)
                start, part = start - offset, bytes(size)
            else:
                raise NbdError(f"an unexpected answer of type {kind}")
            if not 0 <= start <= start + len(part) <= length:
                raise NbdError("an answer outside of what was asked")
            buffer[start : start + len(part)] = part
        return bytes(buffer)

    def write(self, offset: int, data: bytes) -> None:
        """Write at most MAX_REQUEST bytes."""
        self._done(self._ask(_WRITE, offset, len(data), data))

    def read_all(self, offset: int, length: int) -> bytes:
        """Read as much as is asked for."""
        parts = range(offset, offset + length, MAX_REQUEST)
        return b"".join(self.read(start, min(MAX_REQUEST, offset + length - start)) for start in parts)

    def write_all(self, offset: int, data: bytes) -> None:
        """Write as much as is given."""
        for start in range(0, len(data), MAX_REQUEST):
            self.write(offset + start, data[start : start + MAX_REQUEST])

    def zero(self, offset: int, length: int) -> None:
        """Let a part read as zeros, and take no space where that is possible."""
        while length > 0:
            size = min(length, _STATUS_SPAN if self._can_zero else MAX_REQUEST)
            if self._can_zero:
                self._done(self._ask(_WRITE_ZEROES, offset, size))
            else:
                self.write(offset, bytes(size))
            offset, length = offset + size, length - size

    def flush(self) -> None:
        """Bring to disk what was written."""
        self._done(self._ask(_FLUSH, 0, 0))

    def zeros(self, offset: int, length: int) -> int:
        """How many bytes from `offset` on are known to read as zeros, without being read; at most `length`."""
        known = 0
        while self._has_status and known < length:
            asked = min(length - known, _STATUS_SPAN)
            extents = self._extents(offset + known, asked)
            for size, is_zero in extents:
                if not is_zero:
                    return known
                known = min(known + size, length)
            if not extents:
                break
        return known

    def _extents(self, offset: int, length: int) -> list[tuple[int, bool]]:
        extents: list[tuple[int, bool]] = []
        for kind, payload in self._ask(_BLOCK_STATUS, offset, length):
            if kind == _STATUS:
                words = struct.iter_unpack(">II", payload[4:])
                extents += [(size, bool(flags & _READS_ZERO)) for size, flags in words]
        return extents

    def _done(self, answers: Iterator[tuple[int, bytes]]) -> None:
        for kind, _ in answers:
            raise NbdError(f"an unexpected answer of type {kind}")

    def _ask(self, command: int, offset: int, length: int, data: bytes = b"") -> Iterator[tuple[int, bytes]]:
        """Send a request; return the parts of its answer."""
        self._send(struct.pack(">IHHQQI", _REQUEST_MAGIC, 0, command, 1, offset, length) + data)
        return self._answers(command, offset, length)

    def _answers(self, command: int, offset: int, length: int) -> Iterator[tuple[int, bytes]]:
        while True:
            [magic] = struct.unpack(">I", self._receive(4))
            if magic == _SIMPLE_MAGIC:
                error, _ = struct.unpack(">IQ", self._receive(12))
                if error:
                    raise NbdError(f"the request {command} failed: error {error}")
                if command == _READ:
                    yield _DATA, struct.pack(">Q", offset) + self._receive(length)
                return
            if magic != _CHUNK_MAGIC:
                raise NbdError("an answer of another protocol")
            flags, kind, _, size = struct.unpack(">HHQI", self._receive(16))
            if size > _MAX_ANSWER:
                raise NbdError(f"an answer of {size} bytes")
            payload = self._receive(size)
            if kind & _ERROR:
                raise NbdError(f"the request {command} failed: {payload[6:].decode(errors='replace')[:200]}")
            if kind:
                yield kind, payload
            if flags & 1:
                return

    def _negotiate(self) -> None:
        magic, option_magic, flags = struct.unpack(">8sQH", self._receive(18))
        if magic != b"NBDMAGIC" or option_magic != _IHAVEOPT or not flags & 1:
            raise NbdError("a server of another protocol")
        self._send(struct.pack(">I", 3 if flags & 2 else 1))
        if self._option(_OPT_STRUCTURED, b"") is not None:
            name = struct.pack(">I", len(self._export)) + self._export
            query = struct.pack(">I", 1) + struct.pack(">I", len(_CONTEXT)) + _CONTEXT
            self._has_status = bool(self._option(_OPT_META, name + query))
        infos = self._option(_OPT_GO, struct.pack(">I", len(self._export)) + self._export + struct.pack(">H", 0))
        if infos is None:
            raise NbdError("there is no such export")
        for payload in infos:
            if payload[:2] == b"\0\0":
                self.size, export_flags = struct.unpack(">QH", payload[2:12])
                self._can_zero = bool(export_flags & _CAN_ZERO)

    def _option(self, option: int, data: bytes) -> list[bytes] | None:
        """Return the information that the server gives for an option; None: it refuses."""
        self._send(struct.pack(">QII", _IHAVEOPT, option, len(data)) + data)
        given: list[bytes] = []
        while True:
            magic, _, kind, length = struct.unpack(">QIII", self._receive(20))
            if magic != _REPLY_MAGIC or length > _MAX_ANSWER:
                raise NbdError("an answer of another protocol")
            payload = self._receive(length)
            if kind == _REP_ACK:
                return given
            if kind not in (_REP_INFO, _REP_META):
                return None
            given.append(payload)

    def _send(self, data: bytes) -> None:
        assert self._socket is not None
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise NbdError(f"{self._path}: {error}") from error

    def _receive(self, length: int) -> bytes:
        assert self._socket is not None
        buffer = bytearray(length)
        view, got = memoryview(buffer), 0
        while got < length:
            try:
                count = self._socket.recv_into(view[got:])
            except OSError as error:
                raise NbdError(f"{self._path}: {error}") from error
            if not count:
                raise NbdError(f"{self._path}: the server closed the connection")
            got += count
        return bytes(buffer)
