"""The one gate through which programs are run: argument lists, a time limit, resource limits, never a shell."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

OUTPUT_LIMIT_BYTES = 1024 * 1024
"""How much of stdout, and of stderr, is kept. The rest is read and dropped, so that the program never blocks."""

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_DETAILS_LIMIT = 4000
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. A negative `returncode` is the signal that killed it."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    duration_s: float

    @property
    def text(self) -> str:
        """stdout as UTF-8; invalid bytes are replaced."""
        return self.stdout.decode("utf-8", "replace")


class ProcessError(Exception):
    """A program did not do its work. `details` is for administrators."""

    def __init__(self, message: str, details: str = "") -> None:
        """Keep both texts."""
        super().__init__(message)
        self.message = message
        self.details = details


class ProgramMissing(ProcessError):
    """The program is not installed, or may not be executed."""


class ProcessTimeout(ProcessError):
    """The program took longer than it was given; it and its children were killed."""


class ProcessFailed(ProcessError):
    """The program ended with another code than 0. `completed` says how."""

    def __init__(self, completed: Completed) -> None:
        """Take the texts from how the program ended."""
        self.completed = completed
        stderr = completed.stderr.decode("utf-8", "replace")[-_DETAILS_LIMIT:]
        super().__init__(f"{completed.argv[0]} ended with code {completed.returncode}", stderr)


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    input: bytes | None = None,
    check: bool = True,
    memory_limit_mib: int | None = None,
    cpu_limit_s: int | None = None,
    env: Mapping[str, str] | None = None,
    poll: Callable[[], object] | None = None,
    dies_with_caller: bool = False,
) -> Completed:
    """Run a program to its end and return how it ended.

    `timeout_s` in seconds of wall clock, after which its whole process group is killed. `memory_limit_mib` bounds the
    address space, `cpu_limit_s` the processor time; both are set by prlimit(1) in the new process, so no Python runs
    between fork and exec and any thread may call. The environment is PATH and LC_ALL, plus `env`: the caller's own
    environment (and the secrets in it) is not passed on. `poll` is called several times a second while the program
    runs; what it raises ends the program, and is raised. A program that daemonises itself outlives this call.
    With `dies_with_caller` the kernel kills the program, not its children, if this process is killed.

    Raises ProgramMissing, ProcessTimeout, and, when `check`, ProcessFailed. Arguments are never logged.
    """
    command = tuple(argv)
    if isinstance(argv, str | bytes) or not command or not all(isinstance(word, str) for word in command):
        raise TypeError("a program is run from a list of strings")
    started = time.monotonic()
    process = _start(_prefixed(command, memory_limit_mib, cpu_limit_s, dies_with_caller), env)
    try:
        stdout, stderr = _converse(process, input, timeout_s, poll)
    except subprocess.TimeoutExpired:
        raise ProcessTimeout(f"{command[0]} took longer than {timeout_s:g} s") from None
    finally:
        _end(process)
    completed = Completed(command, process.returncode, stdout, stderr, time.monotonic() - started)
    if completed.returncode == 127 and b": failed to execute" in stderr:
        raise ProgramMissing(f"{command[0]} is not installed", stderr.decode("utf-8", "replace"))
    if check and completed.returncode != 0:
        raise ProcessFailed(completed)
    return completed


def _prefixed(command: tuple[str, ...], memory_mib: int | None, cpu_s: int | None, dies_with_caller: bool) -> list[str]:
    if dies_with_caller:
        command = ("setpriv", "--pdeathsig", "KILL", "--", *command)
    limits = []
    if memory_mib is not None:
        limits.append(f"--as={memory_mib * 1024 * 1024}")
    if cpu_s is not None:
        limits.append(f"--cpu={cpu_s}")
    return ["prlimit", "--core=0", *limits, "--", *command] if limits else list(command)


def _start(command: list[str], env: Mapping[str, str] | None, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**_ENVIRONMENT, **(env or {})},
            cwd="/",
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise ProgramMissing(f"{command[0]} cannot be executed", str(error)) from error


def start_piped(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program that reads requests and writes answers, in an own process group and without the environment.

    The caller ends the group. Raises ProgramMissing.
    """
    return _start(list(argv), {"LC_ALL": "C.UTF-8"}, subprocess.DEVNULL)


def _converse(
    process: subprocess.Popen[bytes], data: bytes | None, timeout_s: float, poll: Callable[[], object] | None
) -> tuple[bytes, bytes]:
    """Feed stdin, collect both outputs up to their limit, wait. Raises TimeoutExpired."""
    deadline = time.monotonic() + timeout_s
    kept: tuple[bytearray, bytearray] = (bytearray(), bytearray())
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    work = [
        threading.Thread(target=_collect, args=(process.stdout, kept[0]), daemon=True),
        threading.Thread(target=_collect, args=(process.stderr, kept[1]), daemon=True),
    ]
    if data:
        work.append(threading.Thread(target=_feed, args=(process.stdin, data), daemon=True))
    else:
        process.stdin.close()
    for thread in work:
        thread.start()
    while poll is not None and process.poll() is None and time.monotonic() < deadline:
        poll()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
    process.wait(max(0.0, deadline - time.monotonic()))
    for thread in work:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():  # a child of the program holds its output open
            raise subprocess.TimeoutExpired(process.args, timeout_s)
    return bytes(kept[0]), bytes(kept[1])


def _collect(stream: IO[bytes], kept: bytearray) -> None:
    while chunk := os.read(stream.fileno(), 65536):
        kept += chunk[: max(0, OUTPUT_LIMIT_BYTES - len(kept))]


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(data)
        stream.close()
    except OSError:
        return  # the program ended without reading all of it: its exit code says why


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the rest of the program's group if it did not end by itself, and reap it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            with suppress(OSError):
                stream.close()


@dataclass(frozen=True, slots=True)
class Process:
    """A daemon known by its pid: who it is now, since a pid may come to belong to another program."""

    pid: int

    def command_line(self) -> tuple[str, ...]:
        """Its arguments; empty when there is no such process (any more)."""
        try:
            raw = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return ()
        return tuple(word.decode("utf-8", "replace") for word in raw.split(b"\0") if word)

    def is_running(self, argument: str) -> bool:
        """True while the process lives and `argument` is one of its arguments, exactly."""
        return argument in self.command_line()

    def signal(self, number: int, argument: str) -> bool:
        """Send a signal if `is_running(argument)`; say whether it was sent.

        A pidfd pins the PID before it is checked, so that the signal cannot reach a new process.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except (ProcessLookupError, OverflowError):
            return False
        try:
            if not self.is_running(argument):
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def end(self, argument: str, timeout_s: float) -> None:
        """Ask the process to end, wait up to `timeout_s` seconds, then kill it. One that is not ours is left.

        On return its sockets and files are closed: a successor may take its place.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except (ProcessLookupError, OverflowError):
            return
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if not self.signal(number, argument) or _has_ended(handle, timeout_s):
                    return
        finally:
            os.close(handle)


def _has_ended(handle: int, timeout_s: float) -> bool:
    """Wait until the process of a pidfd is dead, files closed. (Its command line is gone a moment earlier.)"""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


def read_pid_file(path: Path) -> Process | None:
    """The process that a pid file names; None when there is no file or no number in it."""
    try:
        return Process(int(path.read_text()))
    except (OSError, ValueError):
        return None
