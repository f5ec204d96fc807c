"""A network namespace that this process has for itself. It needs no name: the kernel removes it with the process."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """Made at once. Its devices are gone, and their peers elsewhere, when it is closed or this process ends."""

    def __init__(self) -> None:
        """Make it. Raises OSError."""
        self._handle = _in_thread(_unshare)

    @property
    def path(self) -> str:
        """What `ip link … netns` takes."""
        return f"/proc/{os.getpid()}/fd/{self._handle}"

    def run(self, work: Callable[[], R]) -> R:
        """Do work inside, on a separate thread: sockets that it makes are the namespace's, and so are programs that
        it runs. Raises what the work raises.
        """
        return _in_thread(lambda: self._enter(work))

    def close(self) -> None:
        os.close(self._handle)

    def _enter(self, work: Callable[[], R]) -> R:
        _check(_libc.setns(self._handle, _NEW_NETWORK))
        return work()


def _unshare() -> int:
    _check(_libc.unshare(_NEW_NETWORK))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _in_thread(work: Callable[[], R]) -> R:
    """Run work on a thread that ends with it: a namespace is a thread's own."""
    results: list[R] = []
    errors: list[BaseException] = []

    def _body() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=_body, name="namespace")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
