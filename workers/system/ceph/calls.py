"""Asks processes (`service`) to work on a pool. One that takes too long is ended: librbd itself waits for ever."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import threading
import time
from pathlib import Path
from threading import Event
from typing import Any

from workers.system import processes

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("service")
LIMIT_S = 40.0
START_S = 20.0
_FENCE_S = 10.0
_POLL_S = 0.2
_IDLE = 2
SILENT = "The storage cluster does not answer."
NO_ACCESS = "The host has no access to the storage cluster."


class Unavailable(Exception):
    """The cluster does not answer, or the host has no access to it."""

    def __init__(self, message: str, details: str) -> None:
        """Keep both; `details` is for administrators."""
        super().__init__(message)
        self.message, self.details = message, details


class Halted(Exception):
    """The call was ended because its caller asked for it."""


class Refused(Exception):
    """The process refused, for a reason: `kind` is one of its words."""

    def __init__(self, kind: str, details: str) -> None:
        """Keep both."""
        super().__init__(details)
        self.kind, self.details = kind, details


class _Service:
    """One process, and its address as a client of the cluster."""

    def __init__(self, argv: list[str]) -> None:
        try:
            self._process = processes.start_piped(argv)
        except (processes.ProgramMissing, OSError) as error:
            raise Unavailable(NO_ACCESS, details=str(error)) from error
        self._buffer = b""
        self.address = ""

    def ask(self, request: dict[str, Any]) -> None:
        """Write a request. Raises OSError for a process that has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def read(self, limit_s: float, stop: Event | None) -> dict[str, Any]:
        """Return the next answer. Raises TimeoutError, EOFError, Halted."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + limit_s
        handle = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            if stop is not None and stop.is_set():
                raise Halted
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer within {limit_s:g} s")
            if select.select([handle], [], [], _POLL_S)[0]:
                chunk = os.read(handle, 1 << 16)
                if not chunk:
                    raise EOFError(f"it ended with code {self._process.wait()}")
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Kill the process with what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Calls:
    """The processes of one pool. Those that are idle are used again."""

    def __init__(self, conf: Path, user: str, pool: str, cloud: str) -> None:
        """Remember their arguments; nothing is started. The key of the user is in the file alone."""
        self._argv = [PYTHON, "-E", "-s", str(PROGRAM), str(conf), user, pool, cloud]
        self._guard, self._idle, self._pid = threading.Lock(), list[_Service](), os.getpid()

    def run(self, do: str, *, limit_s: float = LIMIT_S, stop: Event | None = None, **values: Any) -> Any:
        """Do something and return its result. Raises Refused, Unavailable, Halted.

        The process that did not do it in time is ended, and the cluster told that it may write no more.
        """
        service = self._take()
        try:
            service.ask({"do": do, **values})
            answer = service.read(limit_s, stop)
        except (OSError, EOFError, Halted) as error:
            service.end()
            if service.address and do != "block":
                with contextlib.suppress(Unavailable, Refused):
                    self.run("block", limit_s=_FENCE_S, client=service.address, hours=1)
            if isinstance(error, Halted):
                raise
            raise Unavailable(SILENT, details=f"{do}: {error}") from error
        except BaseException:
            service.end()
            raise
        if answer.get("refused") == "unavailable":
            service.end()  # it may be blocklisted: another one asks next time
        else:
            self._give(service)
        if "refused" in answer:
            raise Refused(answer["refused"], answer["details"])
        return answer["result"]

    def _take(self) -> _Service:
        with self._guard:
            if self._pid != os.getpid():  # the processes are another's, who forked
                self._idle, self._pid = [], os.getpid()
            if self._idle:
                return self._idle.pop()
        service = _Service(self._argv)
        try:
            answer = service.read(START_S, None)
        except (OSError, EOFError) as error:
            service.end()
            raise Unavailable(SILENT, details=str(error)) from error
        if "refused" in answer:
            service.end()
            raise Unavailable(SILENT, details=answer["details"])
        service.address = answer["result"]
        return service

    def _give(self, service: _Service) -> None:
        with self._guard:
            if len(self._idle) < _IDLE:
                self._idle.append(service)
                return
        service.end()

    def close(self) -> None:
        """End the processes."""
        with self._guard:
            idle, self._idle = self._idle, []
        for service in idle:
            service.end()
