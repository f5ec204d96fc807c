"""Waiting for processes to end. A zombie has ended: it stays listed if process 1 does not reap, as in containers."""

import time
from collections.abc import Iterable

import psutil


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
