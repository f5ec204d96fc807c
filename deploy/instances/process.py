"""One server process that may be started by a supervisor or directly, and is found again by its pid file."""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import psutil

from deploy import processes
from deploy.errors import DeployError

PR_SET_PDEATHSIG = 1


def owner_of(user: str) -> str | None:
    """Return the account to run a server as: ``user`` when we are root and it exists, else None, which is ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(user)
    except KeyError:
        return None
    return user


def give(path: Path, user: str | None, mode: int) -> None:
    """Set a path's mode and, when ``user`` is given, its owner."""
    path.chmod(mode)
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def run_as(
    user: str | None, command: list[str], *, stdin: str | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command as ``user`` (None: ourselves) from / with a clean environment; return its output."""
    identity: dict[str, object] = {}
    if user is not None:
        entry = pwd.getpwnam(user)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd="/",
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
        check=False,
        **identity,
    )


def die_with_parent(stop_signal: int) -> Callable[[], None]:
    """Return what a child calls between fork and exec so that the kernel stops it when its parent dies."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


class Server(ABC):
    """A server with its own directory. Every method may be called again at any point."""

    name: str
    user: str | None = None
    stop_signal: int = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def prepare(self) -> None:
        """Make directories, data and configuration; repair what a cut-off run or a kill left."""

    @abstractmethod
    def pid(self) -> int | None:
        """Return the process id of the running server, or None. Another process with a reused id is not it."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Say whether the server answers with our password."""

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.log"

    def wait_ready(self, timeout: float = 30) -> None:
        """Wait until the server answers; raise DeployError after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if self._child is not None and self._child.poll() is not None:
                raise DeployError(f"{self.name} ended at once.", details=self.log.read_text()[-4000:])
            if time.monotonic() > deadline:
                raise DeployError(f"{self.name} does not answer after {timeout:.0f} s.", hint=f"See {self.log}.")
            time.sleep(0.05)

    def start(self, timeout: float = 30) -> None:
        """Run the server as a child that cannot outlive this process, and wait until it answers."""
        self.prepare()
        if self.pid() is not None:
            self.wait_ready(timeout)
            return
        identity: dict[str, object] = {}
        if self.user is not None:
            entry = pwd.getpwnam(self.user)
            identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # type: ignore[call-overload]
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                **identity,
            )
        self.wait_ready(timeout)

    def stop(self, timeout: float = 20) -> None:
        """Stop the server wherever it was started from, killing it when it does not listen."""
        self._end(self.stop_signal, timeout)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL, 10)

    def _end(self, number: int, timeout: float) -> None:
        pid = self.pid()
        if pid is not None:
            process = psutil.Process(pid)
            os.kill(pid, number)
            for stubborn in processes.wait_ended([process], timeout):
                stubborn.kill()
                processes.wait_ended([stubborn], 5)
        if self._child is not None:
            try:
                self._child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child = None


def process_in(pid_file: Path, names: set[str], directory: Path) -> int | None:
    """Return the id in a pid file if that process is alive, is called one of ``names`` and works in ``directory``."""
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if process.status() == psutil.STATUS_ZOMBIE or process.name() not in names:
            return None
        return process.pid if Path(process.cwd()) == directory.resolve() else None
    except (FileNotFoundError, ValueError, IndexError, psutil.Error):
        return None
