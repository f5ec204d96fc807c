"""A client of QEMU's machine protocol (QMP), as qemu-storage-daemon speaks it on its control socket."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from workers.drivers.volume.errors import PoolUnavailable

_TIMEOUT_S = 20.0
_POLL_S = 0.02


class CommandFailed(PoolUnavailable):
    """The daemon refused a command. `details` has its words."""

    default_code = "export_refused"


class Control:
    """A connection to a daemon's control socket, for a `with` block. Raises PoolUnavailable if it does not answer."""

    def __init__(self, path: Path) -> None:
        """Remember the socket's path; nothing is opened."""
        self._path = path
        self._socket: socket.socket | None = None
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Control:
        """Connect and negotiate."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise PoolUnavailable("The volume's export does not answer.", details=str(error)) from error
        self._socket, self._stream = connection, connection.makefile("rb")
        self._read()  # its greeting
        self.run("qmp_capabilities")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._stream is not None and self._socket is not None:
            self._stream.close()
            self._socket.close()

    def run(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Run a command and return its result. Raises CommandFailed, PoolUnavailable."""
        assert self._socket is not None
        request = {"execute": command, "arguments": dict(arguments or {})}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise PoolUnavailable("The volume's export does not answer.", details=str(error)) from error
        # A job's event may come before the greeting, which then is not the first line.
        while "event" in (answer := self._read()) or "QMP" in answer:
            continue
        if "error" in answer:
            details = f"{command}: {answer['error'].get('desc', '')}"
            raise CommandFailed("The host could not change the volume's export.", details=details)
        return answer["return"]

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until a condition holds. Raises PoolUnavailable when it takes too long."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not is_so():
            if time.monotonic() > deadline:
                raise PoolUnavailable("The volume's export does not answer.", details="it does not released clients")
            time.sleep(_POLL_S)

    def _read(self) -> dict[str, Any]:
        assert self._stream is not None
        try:
            line = self._stream.readline()
        except OSError as error:
            raise PoolUnavailable("The volume's export does not answer.", details=str(error)) from error
        if not line:
            raise PoolUnavailable("The volume's export does not answer.", details="it closed its control socket")
        answer: dict[str, Any] = json.loads(line)
        return answer
