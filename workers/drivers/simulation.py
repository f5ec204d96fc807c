"""Common parts of simulated drivers: a host's state in small files, and planned delays and faults.

The plan is a JSON file (option `plan_file`) that may change while everything runs:

    {"delays_s": {"spawn": 0.2, "cache_image": 1.5},
     "faults": [{"op": "spawn", "host": "sim-001", "error": "retryable", "times": 1, "when": "before",
                 "message": "…"}]}

- `op` is a contract method's name, or "*" for any; `host` a host's name or "*" (the default).
- `context`: what the log's context must hold, {"step": "spawn", "server": "<id>"} say; without it, anything.
- `error`: "retryable", "abort", "crash" (this process is killed by SIGKILL), "hang" (the call does not return while
  the plan says so).
- `when`: "before" anything is done (the default), "inside" (halfway: a crash leaves half of the work), "after" all
  of it.
- `times`: how often in all, counted across processes and restarts by files in `<plan_file>.claims`; without it, always.
  The count belongs to the fault's text: a changed fault (any new "id" will do) starts at zero.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from workers.drivers.errors import AbortError, RetryableError, Stopped
from workers.system import files

_HANG_POLL_S = 0.1
_UNLIMITED = -1
_NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is to go wrong."""

    op: str
    host: str
    error: str
    when: str
    times: int
    message: str
    key: str
    context: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Fault:
        """A fault from the plan's JSON."""
        text = json.dumps(data, sort_keys=True).encode()
        return cls(
            op=str(data["op"]),
            host=str(data.get("host", "*")),
            error=str(data["error"]),
            when=str(data.get("when", "before")),
            times=int(data.get("times", _UNLIMITED)),
            message=str(data.get("message", "A simulated fault.")),
            key=hashlib.sha256(text).hexdigest()[:32],
            context=tuple(data.get("context", {}).items()),
        )

    def concerns(self, host: str, op: str, when: str) -> bool:
        """Whether this call, at this moment, is one that is to go wrong."""
        if self.op not in ("*", op) or self.when != when or self.host not in ("*", host):
            return False
        return not self.context or set(self.context) <= set(_words(structlog.contextvars.get_contextvars()))


def _words(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in context.items()]


@dataclass(slots=True)
class Plan:
    """One plan file, read again whenever it changed. Shared by all drivers of the process that name it."""

    path: Path
    delays_s: dict[str, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    _stamp: tuple[int, int, int] | None = None

    def refresh(self) -> None:
        """Read the file if it is another than last time. No file, or half of one, means: as before."""
        try:
            status = self.path.stat()
        except OSError:
            self.delays_s, self.faults, self._stamp = {}, (), None
            return
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp == self._stamp:
            return
        try:
            data = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return
        self.faults = tuple(Fault.parse(item) for item in data.get("faults", ()))
        self.delays_s = {str(op): float(seconds) for op, seconds in data.get("delays_s", {}).items()}
        self._stamp = stamp

    def claim(self, fault: Fault) -> bool:
        """Take one of the fault's times; False when they are used up. One process gets each."""
        if fault.times == _UNLIMITED:
            return True
        directory = self.path.with_name(f"{self.path.name}.claims")
        directory.mkdir(exist_ok=True)
        for number in range(fault.times):
            try:
                os.close(os.open(directory / f"{fault.key}-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                continue
            return True
        return False


_plans: dict[Path, Plan] = {}
_plans_guard = threading.Lock()


def plan_at(path: Path) -> Plan:
    """The process's one Plan of this file."""
    with _plans_guard:
        return _plans.setdefault(path, Plan(path))


class Simulation:
    """One simulated host's directory and plan. Options: `state_dir`, `host` (both required), `plan_file`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self.host = str(options["host"])
        self.directory = Path(options["state_dir"]) / self.host
        self._root = str(self.directory)
        plan_file = options.get("plan_file")
        self.plan = plan_at(Path(plan_file)) if plan_file else None

    def operation(self, op: str, *, stop: threading.Event | None = None) -> Operation:
        """One call of a contract method, for a `with` block: its delay, and its faults before and after.

        Where `stop` is given and set, the delay ends at once, with Stopped.
        """
        return Operation(self, op, stop or _NEVER)

    def may_strike(self) -> bool:
        """Say whether the plan, as last read, has any fault at all."""
        return self.plan is not None and bool(self.plan.faults)

    def strike(self, op: str, when: str) -> None:
        """Raise the fault that the plan has for this call."""
        if self.plan is None or not self.plan.faults:
            return
        for fault in self.plan.faults:
            if fault.concerns(self.host, op, when) and self.plan.claim(fault):
                self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        if fault.error == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.error == "hang":
            while self.plan is not None and fault in self.plan.faults:
                time.sleep(_HANG_POLL_S)
                self.plan.refresh()
            return
        kind = AbortError if fault.error == "abort" else RetryableError
        raise kind(fault.message, details=f"simulated: {fault.op} on {self.host}", code="simulated_fault")

    def path(self, kind: str, name: str) -> str:
        """Where the record `name` of a kind (domains, ports, …) is."""
        return f"{self._root}/{kind}/{name}.json"

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """A record, or None."""
        try:
            with open(self.path(kind, name), "rb", buffering=0) as stream:
                data = stream.read()
        except FileNotFoundError:
            return None
        loaded: dict[str, Any] = json.loads(data)
        return loaded

    def read_other(self, host: str, kind: str, name: str) -> dict[str, Any] | None:
        """A record of another host of the same simulation, or None."""
        return Simulation({"state_dir": self.directory.parent, "host": host}).read(kind, name)

    def write(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Write a record: whole or not at all, also when this process is killed; not flushed to the disk."""
        path = self.path(kind, name)
        data = json.dumps(record).encode()
        try:
            files.replace(path, data)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            files.replace(path, data)

    def remove(self, kind: str, name: str) -> None:
        """Remove a record. Absent is success."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(kind, name))

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of all records of a kind, sorted."""
        try:
            entries = os.listdir(self.directory / kind)
        except OSError:
            return ()
        return tuple(sorted(item[:-5] for item in entries if item.endswith(".json") and not item.startswith(".")))


class Operation:
    """One call under way. See Simulation.operation."""

    __slots__ = ("_op", "_simulation", "_stop")

    def __init__(self, simulation: Simulation, op: str, stop: threading.Event) -> None:
        """Remember which call of which host."""
        self._simulation, self._op, self._stop = simulation, op, stop

    def __enter__(self) -> Operation:
        """Take the call's time, and fail before anything is done if that is the plan."""
        plan = self._simulation.plan
        if plan is not None:
            plan.refresh()
            self._simulation.strike(self._op, "before")
            delay = plan.delays_s.get(self._op, 0.0)
            if delay > 0 and self._stop.wait(delay):
                raise Stopped("The call was stopped.", details=f"simulated: {self._op} on {self._simulation.host}")
        return self

    def halfway(self) -> None:
        """The point at which half of the work is done."""
        self._simulation.strike(self._op, "inside")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Fail after all is done, if that is the plan."""
        if error is None:
            self._simulation.strike(self._op, "after")
