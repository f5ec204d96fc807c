"""Which processes are here, and their end. A zombie has ended: where process 1 does not reap, it stays listed."""

import time
from collections.abc import Iterable
from pathlib import Path

import psutil


def shares_network(process: psutil.Process) -> bool:
    """Say whether a process is in this thread's network namespace: others' bridges and daemons are not in our way."""
    try:
        return Path(f"/proc/{process.pid}/ns/net").stat().st_ino == Path("/proc/thread-self/ns/net").stat().st_ino
    except OSError:
        return False


def has_ended(process: psutil.Process) -> bool:
    """Say whether a process is gone or a zombie."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_ended(processes: Iterable[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait up to ``timeout`` seconds until all have ended; return those that have not."""
    deadline = time.monotonic() + timeout
    alive = list(processes)
    while (alive := [process for process in alive if not has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def end(processes: Iterable[psutil.Process], timeout: float, number: int = 15) -> None:
    """Send a signal to processes, and SIGKILL to those that have not ended after ``timeout`` seconds.

    PostgreSQL gets SIGINT, "disconnect everybody and stop": at SIGTERM it would wait for its sessions.
    """
    asked = []
    for process in processes:
        try:
            process.send_signal(2 if process.name() == "postgres" else number)
            asked.append(process)
        except psutil.NoSuchProcess:
            continue
    for process in wait_ended(asked, timeout):
        process.kill()
    wait_ended(asked, 5)
