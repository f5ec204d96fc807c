"""A JSON-RPC connection to an OVSDB server: framing, time limits, answers to its probes (RFC 7047, section 4)."""

from __future__ import annotations

import json
import select
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Any

from workers.drivers.errors import SpecInvalid
from workers.drivers.network.errors import EngineUnavailable

_CHUNK = 1 << 16
_MESSAGE_LIMIT_BYTES = 256 << 20
_UNAVAILABLE = "The cloud's network engine does not answer."


def unavailable(error: object) -> EngineUnavailable:
    """The error for a server that is away, with the cause in its details."""
    return EngineUnavailable(_UNAVAILABLE, details=str(error))


class Stream:
    """One open connection. Not for several threads at once; a failed one is closed and not used again."""

    def __init__(self, remote: str, tls: ssl.SSLContext | None, timeout_s: float) -> None:
        """Connect to `unix:<path>` or `ssl:<host>:<port>`. Raises EngineUnavailable, SpecInvalid."""
        self._decoder = json.JSONDecoder()
        self._received = bytearray()
        self._messages: deque[dict[str, Any]] = deque()
        self._next_id = 0
        try:
            self._socket = _connect(remote, tls, timeout_s)
        except OSError as error:
            raise unavailable(f"{remote}: {error}") from error

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def abort(self) -> None:
        """End a `receive` of another thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def is_alive(self) -> bool:
        """Answer the probes that came while nobody read, and say whether the server is still there."""
        try:
            while self._messages or self._received or self._readable():
                self._answer(self.receive(1.0))
        except EngineUnavailable:
            return False
        return True

    def call(self, method: str, parameters: list[Any], timeout_s: float) -> Any:
        """Send a request and return its result. Raises EngineUnavailable; an error in the answer is one, too."""
        deadline = time.monotonic() + timeout_s
        number = self.send(method, parameters, timeout_s)
        while True:
            message = self.receive(deadline - time.monotonic())
            if "method" in message:
                self._answer(message)
            elif message.get("id") == number:
                if message.get("error") is not None:
                    raise unavailable(message["error"])
                return message["result"]

    def send(self, method: str, parameters: list[Any], timeout_s: float) -> int:
        """Send a request and return its number."""
        self._next_id += 1
        self._write({"method": method, "params": parameters, "id": self._next_id}, timeout_s)
        return self._next_id

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The next message. Raises EngineUnavailable when none came whole in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self._messages:
                return self._messages.popleft()
            self._parse()
            if not self._messages:
                self._fill(deadline)

    def answer_probe(self, message: dict[str, Any]) -> None:
        """Answer an `echo` of the server's; another message is ignored."""
        self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        if message.get("method") == "echo":
            self._write({"result": message.get("params", []), "error": None, "id": message.get("id")}, 1.0)

    def _write(self, message: dict[str, Any], timeout_s: float) -> None:
        try:
            self._socket.settimeout(max(timeout_s, 0.001))
            self._socket.sendall(json.dumps(message, separators=(",", ":")).encode())
        except OSError as error:
            raise unavailable(error) from error

    def _fill(self, deadline: float) -> None:
        """Read at least one chunk, and all that has arrived: a message is parsed when it may be whole."""
        if len(self._received) > _MESSAGE_LIMIT_BYTES:
            raise unavailable("a message of the server's is too long")
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            while True:
                chunk = self._socket.recv(_CHUNK)
                if not chunk:
                    raise unavailable("the server closed the connection")
                self._received += chunk
                if not self._readable() and self._received.endswith(b"}"):
                    return
        except OSError as error:
            raise unavailable(error) from error

    def _readable(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def _parse(self) -> None:
        """Take every whole message off what was received."""
        text, end = self._received.decode(errors="ignore"), 0
        try:
            while end < len(text):
                message, end = self._decoder.raw_decode(text, end)
                if not isinstance(message, dict):
                    raise unavailable("the server does not speak JSON-RPC")
                self._messages.append(message)
                while text[end : end + 1].isspace():
                    end += 1
        except ValueError:
            pass  # the rest of a message is under way
        if end:
            self._received = self._received[len(text[:end].encode()) :]


def _connect(remote: str, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    kind, _, address = remote.partition(":")
    if kind == "unix" and address:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(timeout_s)
        try:
            plain.connect(address)
        except BaseException:
            plain.close()
            raise
        return plain
    host, _, port = address.rpartition(":")
    if kind != "ssl" or not host or not port.isdigit() or tls is None:
        raise SpecInvalid(f"not unix:<path>, nor ssl:<host>:<port> with a context: {remote!r}")
    plain = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s)
    return tls.wrap_socket(plain, server_hostname=host.strip("[]"))
